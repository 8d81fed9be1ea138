/** Gives each evidence an id, so that a bucket refers to it in a byte or two. Texts are never changed or dropped. */
import { createHash } from "node:crypto";
import { type Evidence, evidenceText, parseEvidence } from "../../../schema/batch/evidence.ts";
import type { Database } from "./database.ts";

/** `buckets.evidence` of a bucket in which no row named a holder, and of one that version 1 stored. */
const NO_HOLDER = 0;
const UNKNOWN = -1;

/** Texts, some hundred bytes each, above which the cache is emptied. */
const CACHE_MAX = 10_000;

/** Hexadecimal digits kept of a text's hash: a JavaScript number holds 48 bits exactly. */
const HASH_DIGITS = 12;

const hashOf = (text: string): number =>
  Number.parseInt(createHash("sha256").update(text).digest("hex").slice(0, HASH_DIGITS), 16);

export interface EvidenceTexts {
  /** Adds the evidence if it is new. Call inside a write. */
  idOf(evidence: Evidence | null): number;
  /** Returns the same object for the same id; undefined: unknown. */
  of(id: number): Evidence | null | undefined;
  /** Call after a write that failed, because the texts that it added were rolled back. */
  forget(): void;
}

export function createEvidenceTexts(database: Database): EvidenceTexts {
  const ids = new Map<string, number>();
  const parsed = new Map<number, Evidence>();
  const find = database.prepare("SELECT id FROM evidence WHERE hash = ? AND text = ?");
  const add = database.prepare("INSERT INTO evidence (hash, text) VALUES (?, ?)");
  const load = database.prepare("SELECT text FROM evidence WHERE id = ?");
  return {
    idOf(evidence) {
      if (evidence === null) return NO_HOLDER;
      const text = evidenceText(evidence);
      let id = ids.get(text);
      if (id === undefined) {
        const hash = hashOf(text);
        id = (find.get(hash, text)?.[0] as number | undefined) ?? Number(add.run(hash, text).lastInsertRowid);
        if (ids.size >= CACHE_MAX) ids.clear();
        ids.set(text, id);
      }
      return id;
    },
    of(id) {
      if (id === NO_HOLDER) return null;
      if (id === UNKNOWN) return undefined;
      let evidence = parsed.get(id);
      if (evidence === undefined) {
        evidence = parseEvidence(load.get(id)?.[0] as string);
        if (parsed.size >= CACHE_MAX) parsed.clear();
        parsed.set(id, evidence);
      }
      return evidence;
    },
    forget() {
      ids.clear();
      parsed.clear();
    },
  };
}
