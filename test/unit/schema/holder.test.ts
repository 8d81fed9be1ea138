import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareHolders, type Holder, holderKey, holderOfKey, holderSetOf } from "../../../schema/model/holder.ts";

const part = fc.option(fc.constantFrom("", "a", "b", '","', "null", "é"), { nil: null });
const holder: fc.Arbitrary<Holder> = fc.oneof(
  fc.record({ kind: fc.constant("pod" as const), namespace: part, pod: part, container: part, podUid: part }),
  fc.record({ kind: fc.constant("job" as const), job: fc.constantFrom("", "a", "b", "1200") }),
);

test("holderKey() is the same for equal holders only, and holderOfKey() reads it", () => {
  fc.assert(
    fc.property(holder, holder, (a, b) => {
      expect(holderKey(a) === holderKey(b)).toBe(Bun.deepEquals(a, b));
      expect(holderOfKey(holderKey(a))).toEqual(a);
    }),
  );
});

test("compareHolders() is a total order", () => {
  fc.assert(
    fc.property(holder, holder, holder, (a, b, c) => {
      expect(compareHolders(a, b) === 0).toBe(Bun.deepEquals(a, b));
      expect(Math.sign(compareHolders(a, b)) + Math.sign(compareHolders(b, a))).toBe(0);
      if (compareHolders(a, b) <= 0 && compareHolders(b, c) <= 0) expect(compareHolders(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});

test("holderSetOf() sorts holders and keeps each once", () => {
  fc.assert(
    fc.property(fc.array(holder), (holders) => {
      const set = holderSetOf([...holders, ...holders]);
      expect(new Set(set.map(holderKey))).toEqual(new Set(holders.map(holderKey)));
      for (let index = 1; index < set.length; index++) {
        expect(compareHolders(set[index - 1] as Holder, set[index] as Holder)).toBeLessThan(0);
      }
    }),
  );
});
