import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Batch, BLOCK_SPAN_MS } from "../../../schema/batch/batch.ts";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { MAX_BLOCK_CELLS } from "../../../schema/batch/columns.ts";
import { type Holder, NOBODY } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { batchOf, factsOf, HOUR, heldBy, type Row, START, TEMP, UTIL } from "../../conformance/repository/bench.ts";
import { holdersOf, inOrder, merged, readingsOf } from "../../support/schema/merged-rows.ts";

const rows: fc.Arbitrary<Row[]> = fc.array(
  fc
    .tuple(
      fc.constantFrom<Series[]>(UTIL, TEMP, "A" as Series, 'Z{GPU_I_ID="3"}' as Series),
      fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 3 * HOUR }), fc.constant(2 ** 51)),
      fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(-0), fc.double({ noNaN: true, noDefaultInfinity: true })),
      fc.nat({ max: 2 }),
      fc.constantFrom(null, "a", "b"),
    )
    .map(([series, at, value, gpu, pod]): Row => [series, at, value, factsOf(gpu, heldBy(pod))]),
  { minLength: 1, maxLength: 120 },
);

describe("BatchBuilder.take()", () => {
  test("keeps each reading once and the larger of two values, like a plain map", () => {
    fc.assert(
      fc.property(rows, (given) => {
        const batch = batchOf(given);
        expect(inOrder(readingsOf(batch))).toEqual(inOrder(merged(given)));
        expect(batch.readings).toBe(merged(given).size);
      }),
      { numRuns: 300 },
    );
  });

  test("returns the same batch for every order of readings", () => {
    fc.assert(
      fc.property(
        rows.chain((given) =>
          fc.tuple(
            fc.constant(given),
            fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length }),
          ),
        ),
        ([given, shuffled]) => {
          expect(batchOf(shuffled)).toEqual(batchOf(given));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("makes one block per GPU and hour, in order", () => {
    fc.assert(
      fc.property(rows, (given) => {
        const { blocks, firstAt, lastAt } = batchOf(given);
        const hours = blocks.map(({ gpu, from }) => `${gpu} ${Math.floor(from / BLOCK_SPAN_MS)}`);
        expect(hours).toEqual([...new Set(hours)].sort());
        for (const { from, to } of blocks)
          expect(Math.floor(to / BLOCK_SPAN_MS)).toBe(Math.floor(from / BLOCK_SPAN_MS));
        expect(firstAt).toBe(Math.min(...blocks.map(({ from }) => from)));
        expect(lastAt).toBe(Math.max(...blocks.map(({ to }) => to)));
      }),
    );
  });

  test("counts merged readings, and separately those with different values", () => {
    const builder = createBatchBuilder(2);
    const slot = builder.slot(factsOf(1), UTIL, NOBODY);
    for (const value of [1, 1, 2]) builder.add(slot, START, value);
    expect(builder.size).toBe(3);
    const batch = builder.take({ producer: "p", epoch: 1, seq: 1 });
    expect(batch.readings).toBe(1);
    expect(builder.size).toBe(0);
    expect(builder.merged).toEqual({ same: 1, differing: 1 });
  });

  test("names the series with differing values in the last batch, each with its first rows", () => {
    const builder = createBatchBuilder(2);
    const takeDiffering = (...values: number[]) => {
      for (const gpu of [2, 1]) {
        const [util, temp] = [UTIL, TEMP].map((series) => builder.slot(factsOf(gpu), series, NOBODY));
        for (const value of values) builder.add(util as number, START, value);
        for (const _ of values) builder.add(temp as number, START, 1);
      }
      builder.take({ producer: "p", epoch: 1, seq: 1 });
      return [...builder.differing];
    };
    const [first] = [1, 2].map((gpu) => factsOf(gpu).uuid).sort();
    expect(takeDiffering(1, 2, 3)).toEqual([[UTIL, { gpu: first as never, series: UTIL, at: START, values: [1, 2] }]]);
    expect(takeDiffering(1, 1)).toEqual([]);
  });

  test("starts the next batch empty, with slots that still mean the same GPU and series", () => {
    const builder = createBatchBuilder(2);
    const [util, temp] = [UTIL, TEMP].map((series) => builder.slot(factsOf(1), series, NOBODY));
    builder.add(util as number, START, 1);
    builder.take({ producer: "p", epoch: 1, seq: 1 });
    builder.add(temp as number, START, 2);
    const batch = builder.take({ producer: "p", epoch: 1, seq: 2 });
    expect(batch.series).toEqual([TEMP]);
    expect(inOrder(readingsOf(batch))).toEqual([[`${factsOf(1).uuid} ${TEMP} ${START}`, 2]]);
    expect(builder.slot({ ...factsOf(1) }, UTIL, NOBODY)).toBe(util as number);
  });

  test("prefers the positive zero to the negative one", () => {
    for (const values of [
      [0, -0],
      [-0, 0],
    ]) {
      const batch = batchOf(values.map((value): Row => [UTIL, 0, value]));
      expect([...readingsOf(batch).values()]).toEqual([0]);
    }
    expect([...readingsOf(batchOf([[UTIL, 0, -0]])).values()]).toEqual([-0]);
  });

  test("sorts series by name across all GPUs", () => {
    const rows: Row[] = [
      [UTIL, 0, 1, factsOf(1)],
      [TEMP, 0, 2, factsOf(2)],
    ];
    const { series, blocks } = batchOf(rows);
    expect(series).toEqual([TEMP, UTIL]);
    expect(blocks.map((block) => block.series)).toEqual([[1], [0]]);
  });

  test("splits a block that is too sparse for one table between two times, and loses no reading", () => {
    const count = 3000;
    const given = Array.from(
      { length: count },
      (_, index): Row => [`S${index}` as Series, Math.floor(index / 7), index],
    );
    const batch = batchOf(given);
    expect((count * count) / 7).toBeGreaterThan(MAX_BLOCK_CELLS);
    expect(batch.blocks.length).toBeGreaterThan(1);
    let last = 0;
    for (const { from, to } of batch.blocks) {
      expect(from).toBeGreaterThan(last);
      last = to;
    }
    expect(readingsOf(batch).size).toBe(count);
  });

  test("throws when it has no reading", () => {
    expect(() => createBatchBuilder(2).take({ producer: "p", epoch: 1, seq: 1 })).toThrow(RangeError);
  });
});

describe("sightings", () => {
  const nameOf = (holder: Holder | null | undefined) => (holder?.kind === "pod" ? holder.pod : null);
  const pods = ({ sightings }: Batch) =>
    sightings.map(({ holder, from, to }) => [nameOf(holder), from - START, to - START]);
  const seen = (...stretches: readonly (readonly [pod: string | null, at: number])[]) =>
    batchOf(
      stretches.map(([pod, at]): Row => [UTIL, at, 1, factsOf(1, heldBy(pod))]),
      { v: 1 },
    );

  test("of version 2 do not depend on the holder", () => {
    const batch = batchOf([
      [UTIL, 0, 1, factsOf(1, heldBy("a"))],
      [UTIL, 1, 1],
      [UTIL, 2, 1, factsOf(1, { driver: "550" })],
    ]);
    expect(batch.sightings.map(({ facts, from, to }) => [facts.driver, from - START, to - START])).toEqual([
      ["535.129.03", 0, 1],
      ["550", 2, 2],
    ]);
    expect(batch.sightings.some((sighting) => "holder" in sighting)).toBeFalse();
  });

  test("are one interval while the facts stay the same, however long the pause", () => {
    expect(pods(seen(["a", 0], ["a", 5000], ["a", 2 * HOUR]))).toEqual([["a", 0, 2 * HOUR]]);
  });

  test("are three intervals when a pod returns after another", () => {
    expect(pods(seen(["a", 0], ["a", 1], ["b", 2], ["a", 3], ["a", 4]))).toEqual([
      ["a", 0, 1],
      ["b", 2, 2],
      ["a", 3, 4],
    ]);
  });

  test("overlap when two pods share a GPU", () => {
    expect(pods(seen(["a", 0], ["b", 0], ["a", 1], ["b", 1]))).toEqual([
      ["a", 0, 1],
      ["b", 0, 1],
    ]);
  });

  test("of version 1 give each reading its holder by time", () => {
    const batch = seen(["a", 0], [null, 1], ["b", 2], ["b", HOUR], ["a", HOUR + 1]);
    expect([...holdersOf(batch).values()].map(([holder]) => nameOf(holder))).toEqual(["a", null, "b", "b", "a"]);
  });
});
