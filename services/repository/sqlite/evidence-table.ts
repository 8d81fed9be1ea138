/** Gives each evidence an id, so that a bucket refers to it in a byte or two. Rows are never changed or dropped. */
import { createHash } from "node:crypto";
import type { Evidence, Track } from "../../../schema/batch/evidence.ts";
import type { Database } from "./database.ts";
import type { HolderTable } from "./holders.ts";

/** `buckets.evidence` of a bucket in which no row named a holder, and of one that version 1 stored. */
const NO_HOLDER = 0;
const UNKNOWN = -1;

/** Rows, some hundred bytes each, above which the cache is emptied. */
const CACHE_MAX = 10_000;

/** Hexadecimal digits kept of a text's hash: a JavaScript number holds 48 bits exactly. */
const HASH_DIGITS = 12;

const hashOf = (text: string): number =>
  Number.parseInt(createHash("sha256").update(text).digest("hex").slice(0, HASH_DIGITS), 16);

/** Lists are separated by spaces, lists of lists by commas, parts by semicolons. */
function textOf({ sets, tracks, ofColumn }: Evidence, holders: HolderTable): string {
  const parts = [
    sets.map((set) => set.map((holder) => holders.idOf(holder)).join(" ")).join(),
    tracks.map((track) => track.map(({ tick, set }) => `${tick} ${set}`).join(" ")).join(),
  ];
  return [...parts, ...(ofColumn === null ? [] : [ofColumn.join(" ")])].join(";");
}

const numbersIn = (text: string): number[] => text.split(" ").map(Number);

function trackIn(text: string): Track {
  const numbers = numbersIn(text);
  return Array.from({ length: numbers.length / 2 }, (_, run) => {
    return { tick: numbers[2 * run] as number, set: numbers[2 * run + 1] as number };
  });
}

function evidenceIn(text: string, holders: HolderTable): Evidence {
  const [sets = "", tracks = "", ofColumn] = text.split(";");
  return {
    sets: sets.split(",").map((set) => numbersIn(set).map((id) => holders.of(id))),
    tracks: tracks.split(",").map(trackIn),
    ofColumn: ofColumn === undefined ? null : numbersIn(ofColumn),
  };
}

export interface EvidenceTable {
  /** Adds the evidence if it is new. Call inside a write. */
  idOf(evidence: Evidence | null): number;
  /** Returns the same object for the same id; undefined: unknown. */
  of(id: number): Evidence | null | undefined;
  /** Call after a write that failed, because the rows that it added were rolled back. */
  forget(): void;
}

export function createEvidenceTable(database: Database, holders: HolderTable): EvidenceTable {
  const ids = new Map<string, number>();
  /** Spares the text: blocks that name what the blocks before them named have the same object. */
  let idOfObject = new WeakMap<Evidence, number>();
  const parsed = new Map<number, Evidence>();
  const find = database.prepare("SELECT id FROM evidence WHERE hash = ? AND text = ?");
  const add = database.prepare("INSERT INTO evidence (hash, text) VALUES (?, ?)");
  const load = database.prepare("SELECT text FROM evidence WHERE id = ?");
  return {
    idOf(evidence) {
      if (evidence === null) return NO_HOLDER;
      const known = idOfObject.get(evidence);
      if (known !== undefined) return known;
      const text = textOf(evidence, holders);
      let id = ids.get(text);
      if (id === undefined) {
        const hash = hashOf(text);
        id = (find.get(hash, text)?.[0] as number | undefined) ?? Number(add.run(hash, text).lastInsertRowid);
        if (ids.size >= CACHE_MAX) ids.clear();
        ids.set(text, id);
      }
      idOfObject.set(evidence, id);
      return id;
    },
    of(id) {
      if (id === NO_HOLDER) return null;
      if (id === UNKNOWN) return undefined;
      let evidence = parsed.get(id);
      if (evidence === undefined) {
        evidence = evidenceIn(load.get(id)?.[0] as string, holders);
        if (parsed.size >= CACHE_MAX) parsed.clear();
        parsed.set(id, evidence);
      }
      return evidence;
    },
    forget() {
      ids.clear();
      idOfObject = new WeakMap();
      parsed.clear();
    },
  };
}
