import { expect, test } from "bun:test";
import fc from "fast-check";
import { Frontier, type Placed } from "../../../services/collector/frontier.ts";

const placed = (seq: number, epoch = 1, producer = "csv"): Placed => ({
  producer,
  epoch,
  seq,
  position: `${producer} after ${seq}`,
});
const written = placed;
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

async function met(stored: Awaited<ReturnType<ConstructorParameters<typeof Frontier>[0]>>, first: Placed) {
  const frontier = new Frontier(async () => stored);
  await frontier.meet([first]);
  return frontier;
}

function save(frontier: Frontier, ...batches: readonly Placed[]) {
  const { positions, commit } = frontier.stage(batches);
  commit();
  return positions;
}

test("Frontier.stage() returns the last position of each producer for batches in order", async () => {
  const frontier = new Frontier(async () => null);
  await frontier.meet([placed(1), placed(1, 7, "other")]);
  expect(save(frontier, placed(1), placed(1, 7, "other"), placed(2))).toEqual([written(2), written(1, 7, "other")]);
  expect(save(frontier, placed(3))).toEqual([written(3)]);
});

test("Frontier.stage() stops before a gap, and passes the batches beyond it once the gap is filled", async () => {
  const frontier = await met(null, placed(1));
  expect(save(frontier, placed(1), placed(3), placed(5))).toEqual([written(1)]);
  expect(save(frontier, placed(6))).toEqual([]);
  expect(save(frontier, placed(2))).toEqual([written(3)]);
  expect(save(frontier, placed(4, 2))).toEqual([written(6)]);
});

test("Frontier does not advance without commit()", async () => {
  const frontier = await met(null, placed(1));
  expect(frontier.stage([placed(1), placed(2)]).positions).toEqual([written(2)]);
  expect(save(frontier, placed(2))).toEqual([]);
  expect(save(frontier, placed(1))).toEqual([written(2)]);
});

test("Frontier.skip() advances past the batch, and the next save carries the position", async () => {
  const frontier = await met(null, placed(1));
  frontier.skip(placed(1));
  expect(frontier.stage([]).positions).toEqual([written(1)]);
  frontier.skip(placed(3));
  expect(save(frontier, placed(2))).toEqual([written(3)]);
  expect(save(frontier)).toEqual([]);
});

test("Frontier.meet() starts at the stored position, or before the first delivery if that is earlier", async () => {
  const stored = (seq: number, epoch: number) => ({ ...placed(seq, epoch), position: "stored" });
  expect(save(await met(stored(4, 1), placed(5, 2)), placed(5, 2))).toEqual([written(5, 2)]);
  const lostHandOver = await met(stored(4, 1), placed(6, 2));
  expect(save(lostHandOver, placed(6, 2))).toEqual([]);
  expect(save(lostHandOver, placed(5, 2))).toEqual([written(6, 2)]);
  const movedByAnother = await met(stored(9, 1), placed(5, 2));
  expect(save(movedByAnother, ...[6, 7, 8, 9, 10].map((seq) => placed(seq, 2)))).toEqual([]);
  expect(save(movedByAnother, placed(5, 2))).toEqual([written(10, 2)]);
  const redelivered = await met(stored(9, 2), placed(5, 2));
  expect(save(redelivered, placed(5, 2))).toEqual([]);
  expect(save(redelivered, placed(10, 2))).toEqual([written(10, 2)]);
});

test("Frontier stops at the first gap, whatever the order of saves and skips", () => {
  const orders = fc
    .integer({ min: 1, max: 60 })
    .chain((last) => fc.shuffledSubarray([...upTo(last), ...upTo(last)], { minLength: last }));
  return fc.assert(
    fc.asyncProperty(orders, fc.array(fc.boolean(), { minLength: 120, maxLength: 120 }), async (order, skipped) => {
      const frontier = await met(null, placed(1));
      const done = new Set<number>();
      let last = 0;
      for (const [index, seq] of order.entries()) {
        done.add(seq);
        if (skipped[index]) frontier.skip(placed(seq));
        else for (const position of save(frontier, placed(seq))) last = position.seq;
        const reached = [...done].sort((a, b) => a - b).findIndex((seq, index) => seq !== index + 1);
        if (!skipped[index]) expect(last).toBe(reached === -1 ? done.size : reached);
      }
    }),
    { numRuns: 300, verbose: 1 },
  );
});
