/** Writes and reads the holders, their sets and the evidence of a batch of version 2. Format: see FORMATS.md. */
import { compareHolders, type Holder, type HolderSet, holderKey } from "../model/holder.ts";
import type { Block } from "./batch.ts";
import { type ByteReader, DamagedBytes } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { type Evidence, evidenceText, type Run, type Track } from "./evidence.ts";
import { readList } from "./list.ts";
import type { TextTable, WrittenTexts } from "./text-table.ts";

/** How many fields of a holder are texts, at most. */
export const TEXTS_OF_HOLDER = 4;
const KINDS = { pod: 0, job: 1 } as const;

/** The distinct evidence of a batch, with the sets and holders that it refers to. */
export class EvidenceTable {
  readonly #evidence: Evidence[] = [];
  readonly #sets: HolderSet[] = [];
  readonly #holders: Holder[];
  readonly #numbers = new Map<string, number>();
  readonly #setNumbers = new Map<string, number>();
  readonly #holderNumbers: ReadonlyMap<string, number>;

  constructor(blocks: readonly Block[]) {
    const holders = new Map<string, Holder>();
    for (const evidence of new Set(blocks.map((block) => block.evidence))) {
      if (evidence === null) continue;
      const text = evidenceText(evidence);
      if (this.#numbers.has(text)) continue;
      this.#numbers.set(text, this.#evidence.push(evidence));
      for (const set of evidence.sets) {
        const key = keyOf(set);
        if (!this.#setNumbers.has(key)) this.#setNumbers.set(key, this.#sets.push(set) - 1);
        for (const holder of set) holders.set(holderKey(holder), holder);
      }
    }
    this.#holders = [...holders.values()].sort(compareHolders);
    this.#holderNumbers = new Map(this.#holders.map((holder, number) => [holderKey(holder), number]));
  }

  /** Returns the number of an evidence, from 1; 0 for none. */
  number(evidence: Evidence | null): number {
    return evidence === null ? 0 : (this.#numbers.get(evidenceText(evidence)) as number);
  }

  /** Returns the numbers of the holders' texts. Call before the texts are written. */
  holderNumbers(texts: TextTable): readonly (readonly number[])[] {
    return this.#holders.map((holder) =>
      holder.kind === "job"
        ? [KINDS.job, texts.number(holder.job)]
        : [
            KINDS.pod,
            ...[holder.namespace, holder.pod, holder.container, holder.podUid].map((text) => texts.number(text)),
          ],
    );
  }

  write(out: ByteWriter, holders: readonly (readonly number[])[]): void {
    out.varint(holders.length);
    for (const numbers of holders) for (const number of numbers) out.varint(number);
    out.varint(this.#sets.length);
    for (const set of this.#sets) {
      out.varint(set.length);
      for (const holder of set) out.varint(this.#holderNumbers.get(holderKey(holder)) as number);
    }
    out.varint(this.#evidence.length);
    for (const evidence of this.#evidence) this.#writeEvidence(out, evidence);
  }

  #writeEvidence(out: ByteWriter, { sets, tracks, ofColumn }: Evidence): void {
    out.varint(sets.length);
    for (const set of sets) out.varint(this.#setNumbers.get(keyOf(set)) as number);
    out.varint(tracks.length);
    for (const track of tracks) {
      out.varint(track.length);
      for (const { tick, set } of track) {
        out.varint(tick);
        out.varint(set);
      }
    }
    out.varint(ofColumn?.length ?? 0);
    for (const track of ofColumn ?? []) out.varint(track);
  }
}

const keyOf = (set: HolderSet): string => set.map(holderKey).join();

function readHolder(from: ByteReader, texts: WrittenTexts): Holder {
  const kind = from.bounded(KINDS.job, "kind of a holder");
  if (kind === KINDS.job) return { kind: "job", job: texts.text(from) };
  const [namespace, pod, container] = [texts.optional(from), texts.optional(from), texts.optional(from)];
  return { kind: "pod", namespace, pod, container, podUid: texts.optional(from) };
}

/** How many more items the lists may have together. */
interface Budget {
  left: number;
}

function readBounded<T>(from: ByteReader, budget: Budget, what: string, read: () => T): T[] {
  return readList(from, budget.left, what, () => {
    budget.left--;
    return read();
  });
}

function readSet(from: ByteReader, holders: readonly Holder[], budget: Budget): HolderSet {
  let next = 0;
  const set = readBounded(from, budget, "holders of a set", () => {
    const number = from.bounded(holders.length - 1, "number of a holder");
    if (number < next) throw new DamagedBytes("holders of a set must be in ascending order");
    next = number + 1;
    return holders[number] as Holder;
  });
  if (set.length === 0) throw new DamagedBytes("a set must have a holder");
  return set;
}

function readTrack(from: ByteReader, sets: number, budget: Budget): Track {
  let next = 0;
  const track = readBounded(from, budget, "runs", (): Run => {
    const run = { tick: from.varint(), set: from.bounded(sets, "set of a run") };
    if (run.tick < next || (next === 0 && run.tick > 0))
      throw new DamagedBytes("runs must begin at the first time and be in ascending order");
    next = run.tick + 1;
    return run;
  });
  if (track.length === 0) throw new DamagedBytes("a track must have a run");
  return track;
}

function readEvidence(from: ByteReader, all: readonly HolderSet[], budget: Budget): Evidence {
  const sets = readBounded(
    from,
    budget,
    "sets",
    () => all[from.bounded(all.length - 1, "number of a set")] as HolderSet,
  );
  const tracks = readBounded(from, budget, "tracks", () => readTrack(from, sets.length, budget));
  if (sets.length === 0 || tracks.length === 0) throw new DamagedBytes("evidence must name a holder");
  const ofColumn = readBounded(from, budget, "columns", () => from.bounded(tracks.length - 1, "number of a track"));
  return { sets, tracks, ofColumn: ofColumn.length === 0 ? null : ofColumn };
}

/** @param most bounds the items of all lists together: what they take in memory is many times their bytes */
export function readEvidenceTable(from: ByteReader, texts: WrittenTexts, most: number): readonly Evidence[] {
  const budget = { left: most };
  const holders = readBounded(from, budget, "holders", () => readHolder(from, texts));
  const sets = readBounded(from, budget, "sets", () => readSet(from, holders, budget));
  return readBounded(from, budget, "evidence", () => readEvidence(from, sets, budget));
}
