/** Inventory: GPUs with their newest facts, and hosts. */
import { expect, test } from "bun:test";
import type { Gpu } from "../../../schema/model/gpu.ts";
import type { GpuCursor } from "../../../services/repository/port.ts";
import {
  batchOf,
  factsOf,
  GPU,
  heldBy,
  type OpenRepository,
  type RepositoryUnderTest,
  type Row,
  START,
  UTIL,
  uuidOf,
} from "./bench.ts";

const gpuIn = async ({ repository }: RepositoryUnderTest): Promise<Gpu | undefined> =>
  (await repository.gpusByUuid([GPU]))[0];

export function inventoryConformance(open: OpenRepository): void {
  test("repository.gpusByUuid() returns a GPU's facts and the times of its first and last reading", async () => {
    await using bench = await open();
    const facts = factsOf(1, { ...heldBy("train-1"), driver: null });
    await bench.repository.save([
      batchOf([
        [UTIL, 0, 1, facts],
        [UTIL, 9000, 1, facts],
      ]),
    ]);
    expect(await gpuIn(bench)).toEqual({ ...facts, firstSeen: START, lastSeen: START + 9000 });
  });

  test("repository.gpusByUuid() returns the facts of the newest sighting, also after an older batch", async () => {
    await using bench = await open();
    const { repository } = bench;
    const upgraded = factsOf(1, { driver: "550.54.14", host: "moved", ...heldBy("train-2") });
    await repository.save([batchOf([[UTIL, 5000, 1, upgraded]])]);
    await repository.save([batchOf([[UTIL, 4000, 1]])]);
    expect(await gpuIn(bench)).toEqual({ ...upgraded, firstSeen: START + 4000, lastSeen: START + 5000 });
    await repository.save([batchOf([[UTIL, 6000, 1]])]);
    expect(await gpuIn(bench)).toEqual({ ...factsOf(1), firstSeen: START + 4000, lastSeen: START + 6000 });
    await repository.save([batchOf([[UTIL, 5000, 1, upgraded]])]);
    expect(await gpuIn(bench)).toEqual({ ...factsOf(1), firstSeen: START + 4000, lastSeen: START + 6000 });
  });

  test("repository.gpusByUuid() chooses between sightings that end together regardless of their order", async () => {
    const answers: (Gpu | undefined)[] = [];
    for (const order of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      await using bench = await open();
      for (const [index, pod] of order.entries()) {
        await bench.repository.save([batchOf([[UTIL, 1000, index, factsOf(1, heldBy(pod))]])]);
      }
      answers.push(await gpuIn(bench));
    }
    expect(answers[0]).toEqual(answers[1] as Gpu);
  });

  test("repository.gpus() sorts by host, index as a number, uuid", async () => {
    await using bench = await open();
    const places: [number, string, string][] = [
      [1, "host-b", "0"],
      [2, "host-a", "10"],
      [3, "host-a", "9"],
      [4, "host-a", "x"],
      [6, "host-c", "1"],
      [5, "host-c", "1"],
    ];
    await bench.repository.save([
      batchOf(places.map(([number, host, index]): Row => [UTIL, 0, 1, factsOf(number, { host, index })])),
    ]);
    const { gpus, total, next } = await bench.repository.gpus({ limit: 10 });
    expect(gpus.map(({ uuid }) => uuid)).toEqual([3, 2, 4, 1, 5, 6].map(uuidOf));
    expect([total, next]).toEqual([6, null]);
  });

  test("repository.gpus() pages by cursor, also when a GPU moves to another host meanwhile", async () => {
    await using bench = await open();
    const { repository } = bench;
    const numbers = Array.from({ length: 50 }, (_, number) => number);
    const index = (number: number) => String(number % 3);
    await repository.save([
      batchOf(numbers.map((number): Row => [UTIL, 0, 1, factsOf(number, { index: index(number) })])),
    ]);
    const seen: string[] = [];
    let after: GpuCursor | undefined;
    do {
      const page = await repository.gpus({ limit: 7, after });
      expect(page.total).toBe(50);
      seen.push(...page.gpus.map(({ uuid }) => uuid));
      after = page.next ?? undefined;
      await repository.save([batchOf([[UTIL, seen.length, 1, factsOf(0, { host: `host-0-${seen.length}` })]])]);
    } while (after !== undefined);
    expect([...new Set(seen)].sort()).toEqual(numbers.map(uuidOf).sort());
  });

  test("repository.gpus() filters by host, namespace and model together", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [UTIL, 0, 1, factsOf(1, { ...heldBy("a"), host: "host-a" })],
        [UTIL, 0, 1, factsOf(2, { host: "host-a" })],
        [UTIL, 0, 1, factsOf(3, { ...heldBy("b"), host: "host-b", model: "NVIDIA A100" })],
      ]),
    ]);
    const listed = async (filter: { hostname?: string; namespace?: string; model?: string }) => {
      const { gpus, total } = await repository.gpus({ filter, limit: 1 });
      return [gpus[0]?.uuid, total];
    };
    expect(await listed({ hostname: "host-a" })).toEqual([uuidOf(1), 2]);
    expect(await listed({ namespace: "research" })).toEqual([uuidOf(1), 2]);
    expect(await listed({ namespace: "research", model: "NVIDIA A100" })).toEqual([uuidOf(3), 1]);
    expect(await listed({ hostname: "host-" })).toEqual([undefined, 0]);
    expect(await listed({ hostname: "" })).toEqual([undefined, 0]);
  });

  test("repository.gpusByUuid() returns the known GPUs among thousands, each once", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([3, 1500, 2999].map((number): Row => [UTIL, 0, 1, factsOf(number)]))]);
    const asked = Array.from({ length: 3000 }, (_, number) => uuidOf(number));
    const found = await repository.gpusByUuid([...asked, uuidOf(3)]);
    expect(found.map(({ uuid }) => uuid).sort()).toEqual([uuidOf(3), uuidOf(1500), uuidOf(2999)].sort());
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
      { hostname: "host-0", gpus: 2, lastSeen: START + 2000 },
      { hostname: "host-1", gpus: 1, lastSeen: START },
    ]);
  });
}
