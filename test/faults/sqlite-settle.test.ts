/**
 * A process dies between the save of older readings, which only marks GPUs, and the derivation of their holds, or in
 * the middle of that: the next process that opens the file derives them. A copy of the open file and its log is what a
 * kill leaves.
 */
import { expect, test } from "bun:test";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { batchOf, factsOf, heldBy, type Row, UTIL } from "../conformance/repository/bench.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { openStore } from "../support/repository/sqlite-store.ts";
import { answersOf, differences, freshAnswers, NO_DIFFERENCE } from "../support/upgrade/answers.ts";

/** Five transactions of 16 GPUs each derive them. */
const GPUS = 80;
const STEP_MS = 15_000;

const rowsAt = (tick: number, pod: string): Row[] =>
  Array.from({ length: GPUS }, (_, gpu): Row => [UTIL, tick * STEP_MS, tick, factsOf(gpu, heldBy(pod))]);

const BATCHES = [
  batchOf([...rowsAt(0, "a"), ...rowsAt(4, "a")], { seq: 1 }),
  batchOf(rowsAt(2, "b"), { seq: 2 }),
  batchOf(rowsAt(1, "c"), { seq: 3 }),
];

test("SQLite store derives the holds that a killed process has left behind", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  const images: string[] = [];
  const copy = async (): Promise<void> => {
    const to = join(folder.path, `image-${images.length}`);
    await mkdir(to);
    for (const end of ["", "-wal"]) await copyFile(path + end, join(to, `store.sqlite${end}`));
    images.push(join(to, "store.sqlite"));
  };
  {
    await using store = await openStore(path);
    for (const batch of BATCHES) {
      await store.save([batch]);
      await copy();
    }
    let isOver = false;
    const asked = store.gpus({ limit: 1 }).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await setImmediate();
      await copy();
    }
    await asked;
  }
  const left = await Promise.all(BATCHES.map((_, index) => freshAnswers(BATCHES.slice(0, index + 1))));
  for (const [index, image] of images.entries()) {
    await using store = await openStore(image);
    const expected = left[Math.min(index, BATCHES.length - 1)] as string[];
    expect({ index, ...differences(await answersOf(store), expected) }).toEqual({ index, ...NO_DIFFERENCE });
  }
  // The saves, one of the slices at least, however slow the copies are, and the end.
  expect(images.length).toBeGreaterThan(BATCHES.length + 1);
});
