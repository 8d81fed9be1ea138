/** Holders and evidence as SQLite keeps them, and the comparison that recognizes evidence without its text. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Evidence, evidenceText, sameEvidence } from "../../../schema/batch/evidence.ts";
import { type Holder, holderKey, holderSetOf } from "../../../schema/model/holder.ts";
import { EvidenceMemory } from "../../../services/repository/evidence-memory.ts";
import { openDatabase } from "../../../services/repository/sqlite/database.ts";
import { createEvidenceTable } from "../../../services/repository/sqlite/evidence-table.ts";
import { createHolderTable } from "../../../services/repository/sqlite/holders.ts";
import { GPU, uuidOf } from "../../conformance/repository/bench.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const part = fc.option(fc.constantFrom("", "a", "b", "12 13,;"), { nil: null });
const holder: fc.Arbitrary<Holder> = fc.oneof(
  fc.record({ kind: fc.constant("pod" as const), namespace: part, pod: part, container: part, podUid: part }),
  fc.record({ kind: fc.constant("job" as const), job: fc.constantFrom("", "a", "12") }),
);
const track = fc.array(fc.record({ tick: fc.nat({ max: 3 }), set: fc.nat({ max: 2 }) }), {
  minLength: 1,
  maxLength: 2,
});
const evidence: fc.Arbitrary<Evidence> = fc.record({
  sets: fc.array(fc.array(holder, { minLength: 1, maxLength: 2 }).map(holderSetOf), { minLength: 1, maxLength: 2 }),
  tracks: fc.array(track, { minLength: 1, maxLength: 2 }),
  ofColumn: fc.option(fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 3 }), { nil: null }),
});

const openTables = async () => {
  const database = await openDatabase(":memory:", { clock: new ManualClock(), onBusy: () => {} });
  const open = () => {
    const holders = createHolderTable(database);
    return { holders, evidence: createEvidenceTable(database, holders) };
  };
  return { database, open };
};

test("SQLite store gives equal holders one id, and reads every holder as it was", async () => {
  const { database, open } = await openTables();
  using _ = database;
  fc.assert(
    fc.property(holder, holder, (a, b) => {
      const { holders } = open();
      expect(holders.idOf(a) === holders.idOf(b)).toBe(holderKey(a) === holderKey(b));
      const reopened = open().holders;
      expect(reopened.of(holders.idOf(a))).toEqual(a);
      expect(reopened.idOf({ ...b })).toBe(holders.idOf(b));
    }),
  );
});

test("SQLite store gives equal evidence one id, and reads it as it was", async () => {
  const { database, open } = await openTables();
  using _ = database;
  fc.assert(
    fc.property(evidence, evidence, (a, b) => {
      const table = open().evidence;
      const id = table.idOf(a);
      expect(id === table.idOf(b)).toBe(sameEvidence(a, b));
      expect(open().evidence.of(id)).toEqual(a);
      expect(open().evidence.idOf(structuredClone(a))).toBe(id);
    }),
  );
});

test("sameEvidence() is true exactly for evidence with equal texts", () => {
  fc.assert(
    fc.property(evidence, evidence, (a, b) => {
      expect(sameEvidence(a, b)).toBe(evidenceText(a) === evidenceText(b));
      expect(sameEvidence(a, structuredClone(a))).toBe(true);
      expect(sameEvidence(a, null)).toBe(false);
    }),
    { numRuns: 300 },
  );
  expect(sameEvidence(null, null)).toBe(true);
});

test("EvidenceMemory returns the object that it returned before for equal evidence of a GPU", () => {
  fc.assert(
    fc.property(evidence, evidence, (a, b) => {
      const memory = new EvidenceMemory();
      expect(memory.of(GPU, a)).toBe(a);
      expect(memory.of(GPU, structuredClone(a))).toBe(a);
      expect(memory.of(GPU, b)).toEqual(b);
      expect(memory.of(GPU, structuredClone(a))).toBe(a);
      expect(memory.of(uuidOf(2), b)).toBe(b);
      expect(memory.of(GPU, null)).toBeNull();
    }),
  );
});
