import { expect, test } from "bun:test";
import fc from "fast-check";
import { PromqlError, queryRange } from "../../../services/promql/promql.ts";
import { expressions } from "../../support/promql/expressions.ts";
import { FLEET_START, gpuSeries } from "../../support/promql/gpu-series.ts";
import { MemorySource } from "../../support/promql/memory-source.ts";

const QUERIES = expressions();
/** Texts that are inserted between cut or repeated pieces of a query. */
const PIECES = [
  "",
  "(",
  ")",
  "[5m]",
  "[5m:]",
  "{",
  "}",
  '"',
  "'",
  ",",
  " by (gpu) ",
  "-",
  "^",
  "@",
  " offset ",
  "5m",
  "1e",
  "Ω",
];

const mutated = fc
  .tuple(
    fc.constantFrom(...QUERIES),
    fc.array(fc.tuple(fc.nat(60), fc.nat(3), fc.constantFrom(...PIECES)), { minLength: 1, maxLength: 2 }),
  )
  .map(([query, cuts]) =>
    cuts.reduce((text, [at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length), query),
  );

const options = {
  source: new MemorySource(gpuSeries()),
  signal: new AbortController().signal,
  limits: { maxValues: 200_000 },
};
const times = { start: FLEET_START * 1000, end: (FLEET_START + 3600) * 1000, step: 300_000 };

test("mutated queries give a result or a PromqlError", async () => {
  let answered = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(mutated, async (query) => {
      try {
        await queryRange(query, times, options);
        answered++;
      } catch (error) {
        refused++;
        expect(error).toBeInstanceOf(PromqlError);
        expect((error as PromqlError).message.length).toBeGreaterThan(10);
      }
    }),
    { numRuns: 1500 },
  );
  expect(answered).toBeGreaterThan(30);
  expect(refused).toBeGreaterThan(200);
});
