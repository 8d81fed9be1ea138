/** Placements: which GPU was in which slot of which host, and hosts with what is in them now. */
import { expect, test } from "bun:test";
import { ALL_TIME } from "../../../schema/model/window.ts";
import {
  batchOf,
  factsOf,
  GPU,
  type OpenRepository,
  type RepositoryUnderTest,
  type Row,
  START,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

/** A reading of a GPU in a slot, seconds after START. */
const seen = (gpu: number, second: number, host: string, index = "0"): Row => [
  UTIL,
  second * 1000,
  second,
  factsOf(gpu, { host, index }),
];

type Short = [gpu: number, slot: string, from: number, to: number, isCurrent: boolean];

const placed = async (
  { repository }: Pick<RepositoryUnderTest, "repository">,
  of: { gpu: number } | { host: string },
  window = ALL_TIME,
): Promise<Short[]> => {
  const asked = "gpu" in of ? { gpu: uuidOf(of.gpu) } : of;
  return (await repository.placements(asked, window)).map(({ gpu, host, index, from, to, isCurrent }) => [
    Number.parseInt(gpu.slice(-12), 16),
    `${host}/${index}`,
    (from - START) / 1000,
    (to - START) / 1000,
    isCurrent,
  ]);
};

export function placementConformance(open: OpenRepository): void {
  test("repository.placements() leaves the past of a moved GPU with its old host", async () => {
    await using bench = await open();
    for (const row of [seen(1, 0, "a"), seen(1, 1, "a"), seen(1, 2, "b", "3"), seen(1, 3, "b", "3")]) {
      await bench.repository.save([batchOf([row])]);
    }
    const past: Short = [1, "a/0", 0, 1, false];
    const present: Short = [1, "b/3", 2, 3, true];
    expect(await placed(bench, { gpu: 1 })).toEqual([past, present]);
    expect(await placed(bench, { host: "a" })).toEqual([past]);
    expect(await placed(bench, { host: "b" })).toEqual([present]);
    expect(await placed(bench, { gpu: 1 }, windowOf(1500, 2000))).toEqual([]);
    expect(await placed(bench, { gpu: 1 }, windowOf(1000, 2001))).toEqual([past, present]);
    expect(await bench.repository.hosts()).toEqual([{ hostname: "b", gpus: 1, lost: 0, lastSeen: START + 3000 }]);
  });

  test("repository.placements() does not depend on the order of batches", async () => {
    const rows = ["a", "a", "b", "b", "a", "a"].map((host, second) => seen(1, second, host));
    for (const order of [
      [0, 1, 2, 3, 4, 5],
      [5, 4, 3, 2, 1, 0],
      [0, 5, 2, 3, 1, 4],
    ]) {
      await using bench = await open();
      for (const index of order) await bench.repository.save([batchOf([rows[index] as Row])]);
      expect(await placed(bench, { gpu: 1 })).toEqual([
        [1, "a/0", 0, 1, false],
        [1, "b/0", 2, 3, false],
        [1, "a/0", 4, 5, true],
      ]);
    }
  });

  test("repository.placements() ends at a card that is new to the host, and begins again when the old one returns", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([0, 1].map((second) => seen(1, second, "a")))]);
    await repository.save([batchOf([2, 3].map((second) => seen(2, second, "a")))]);
    expect(await placed(bench, { host: "a" })).toEqual([
      [1, "a/0", 0, 1, false],
      [2, "a/0", 2, 3, true],
    ]);
    expect(await repository.hosts()).toEqual([{ hostname: "a", gpus: 1, lost: 0, lastSeen: START + 3000 }]);
    await repository.save([batchOf([4, 5].map((second) => seen(1, second, "a")))]);
    expect(await placed(bench, { gpu: 1 })).toEqual([
      [1, "a/0", 0, 1, false],
      [1, "a/0", 4, 5, true],
    ]);
  });

  test("repository.hosts() counts an old card as lost when a sibling is renumbered into its slot", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([0, 1, 2].flatMap((second) => [seen(1, second, "a", "0"), seen(2, second, "a", "1")])),
    ]);
    await repository.save([batchOf(Array.from({ length: 6 }, (_, second) => seen(2, 3 + second, "a", "0")))]);
    expect(await repository.hosts()).toEqual([{ hostname: "a", gpus: 2, lost: 1, lastSeen: START + 8000 }]);
    expect(await placed(bench, { gpu: 1 })).toEqual([[1, "a/0", 0, 2, true]]);
  });

  test("repository.hosts() counts a GPU as lost after 5 of its usual intervals while a sibling reports", async () => {
    await using bench = await open();
    const { repository } = bench;
    const lost = async () => (await repository.hosts()).map((host) => [host.gpus, host.lost]);
    // GPU 1 reports every 10 s, GPU 2 every second.
    await repository.save([batchOf([0, 10, 20].map((second) => seen(1, second, "a", "0")))]);
    await repository.save([batchOf(Array.from({ length: 71 }, (_, second) => seen(2, second, "a", "1")))]);
    expect(await lost()).toEqual([[2, 0]]);
    await repository.save([batchOf([seen(2, 71, "a", "1")])]);
    expect(await lost()).toEqual([[2, 1]]);
    await repository.save([batchOf([seen(1, 72, "a", "0")])]);
    expect(await lost()).toEqual([[2, 0]]);
  });

  test("repository.hosts() counts no GPU as lost when the whole host is silent", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([0, 1].flatMap((second) => [seen(1, second, "a", "0"), seen(2, second, "a", "1")])),
    ]);
    await repository.save([batchOf(Array.from({ length: 50 }, (_, second) => seen(3, second, "b")))]);
    expect((await repository.hosts()).map(({ hostname, gpus, lost }) => [hostname, gpus, lost])).toEqual([
      ["a", 2, 0],
      ["b", 1, 0],
    ]);
  });

  test("repository.hosts() counts the GPUs of each host, by hostname", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [UTIL, 0, 1, factsOf(9)],
        [UTIL, 2000, 1, factsOf(1)],
        [UTIL, 1000, 1, factsOf(2)],
      ]),
    ]);
    expect(await repository.hosts()).toEqual([
      { hostname: "host-0", gpus: 2, lost: 0, lastSeen: START + 2000 },
      { hostname: "host-1", gpus: 1, lost: 0, lastSeen: START },
    ]);
  });

  test("repository.placements() is empty for an unknown GPU or host", async () => {
    await using bench = await open();
    await bench.repository.save([batchOf([seen(1, 0, "a")])]);
    expect(await bench.repository.placements({ gpu: uuidOf(9) }, ALL_TIME)).toEqual([]);
    expect(await bench.repository.placements({ host: "z" }, ALL_TIME)).toEqual([]);
    expect(await bench.repository.placements({ gpu: GPU }, windowOf(1, 2))).toEqual([]);
  });
}
