/** Inventory: GPUs with their newest facts, instances and holders. */
import { expect, test } from "bun:test";
import type { Gpu } from "../../../schema/model/gpu.ts";
import { type Holder, holderSetOf } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { GpuCursor, GpuFilter } from "../../../services/repository/port.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  GPU,
  HOUR,
  heldBy,
  type OpenRepository,
  podOf,
  type RepositoryUnderTest,
  type Row,
  type RowFacts,
  START,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

const gpuIn = async ({ repository }: RepositoryUnderTest): Promise<Gpu | undefined> =>
  (await repository.gpusByUuid([GPU]))[0];

/** The GPU of the facts without holders and instances. */
const listed = ({ instance: _, profile: __, holders = [], ...facts }: RowFacts) => ({
  ...facts,
  holders,
  instances: [],
});

export function inventoryConformance(open: OpenRepository): void {
  test("repository.gpusByUuid() returns a GPU's facts, holders and the times of its first and last reading", async () => {
    await using bench = await open();
    const facts = factsOf(1, {
      ...heldBy("train-1"),
      driver: null,
      pciBusId: "00000000:18:00.0",
      labels: 'cluster="a"',
    });
    await bench.repository.save([
      batchOf([
        [UTIL, 0, 1, facts],
        [UTIL, 9000, 1, facts],
      ]),
    ]);
    expect(await gpuIn(bench)).toEqual({ ...listed(facts), firstSeen: START, lastSeen: START + 9000 });
  });

  test("repository.gpusByUuid() returns the facts of the newest sighting, also after an older batch", async () => {
    await using bench = await open();
    const { repository } = bench;
    const upgraded = factsOf(1, { driver: "550.54.14", host: "moved" });
    await repository.save([batchOf([[UTIL, 5000, 1, upgraded]])]);
    await repository.save([batchOf([[UTIL, 4000, 1]])]);
    expect(await gpuIn(bench)).toEqual({ ...listed(upgraded), firstSeen: START + 4000, lastSeen: START + 5000 });
    await repository.save([batchOf([[UTIL, 6000, 1]])]);
    expect(await gpuIn(bench)).toEqual({ ...listed(factsOf(1)), firstSeen: START + 4000, lastSeen: START + 6000 });
    await repository.save([batchOf([[UTIL, 5000, 1, upgraded]])]);
    expect(await gpuIn(bench)).toEqual({ ...listed(factsOf(1)), firstSeen: START + 4000, lastSeen: START + 6000 });
  });

  test("repository.gpusByUuid() chooses between sightings that end together regardless of their order", async () => {
    const answers: (Gpu | undefined)[] = [];
    for (const order of [
      ["535", "550"],
      ["550", "535"],
    ]) {
      await using bench = await open();
      for (const [index, driver] of order.entries()) {
        await bench.repository.save([batchOf([[UTIL, 1000, index, factsOf(1, { driver })]])]);
      }
      answers.push(await gpuIn(bench));
    }
    expect(answers[0]).toEqual(answers[1] as Gpu);
    expect(answers[0]?.driver).toBe("550");
  });

  test("repository.gpusByUuid() returns instances with profiles and holders, and leaves out those gone for a day", async () => {
    await using bench = await open();
    const { repository } = bench;
    const row = (series: Series, at: number, instance: string, pod: string | null, profile: string | null): Row => [
      series,
      at,
      0.5,
      factsOf(1, { ...heldBy(pod), instance, profile }),
    ];
    await repository.save([
      batchOf([row(ENGINE_7, 0, "7", "a", "1g.10gb"), row(ENGINE_3, 0, "3", null, "2g.20gb"), [UTIL, 0, 50]]),
    ]);
    await repository.save([batchOf([row(ENGINE_7, 1000, "7", "a", null), [UTIL, 1000, 50]])]);
    const seven = { id: "7", profile: "1g.10gb", holders: [podOf("a")] };
    expect(await gpuIn(bench)).toMatchObject({
      holders: [podOf("a")],
      instances: [{ id: "3", profile: "2g.20gb", holders: [] }, seven],
    });
    await bench.clock.advance(24 * HOUR);
    await repository.save([batchOf([[UTIL, 24 * HOUR, 50]])]);
    expect((await gpuIn(bench))?.instances.map(({ id }) => id)).toEqual(["7"]);
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

  test("repository.gpus() filters by host, model, and the last time of a reading", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([
      batchOf([
        [UTIL, 0, 1, factsOf(1, { host: "host-a" })],
        [UTIL, 5000, 1, factsOf(2, { host: "host-a" })],
        [UTIL, 9000, 1, factsOf(3, { host: "host-b", model: "NVIDIA A100" })],
      ]),
    ]);
    const matching = async (filter: GpuFilter) => {
      const { gpus, total } = await repository.gpus({ filter, limit: 1 });
      return [gpus[0]?.uuid, total];
    };
    expect(await matching({ hostname: "host-a" })).toEqual([uuidOf(1), 2]);
    expect(await matching({ model: "NVIDIA A100" })).toEqual([uuidOf(3), 1]);
    expect(await matching({ hostname: "host-a", model: "NVIDIA A100" })).toEqual([undefined, 0]);
    expect(await matching({ hostname: "host-" })).toEqual([undefined, 0]);
    expect(await matching({ hostname: "" })).toEqual([undefined, 0]);
    expect(await matching({ seenSince: START + 5000 })).toEqual([uuidOf(2), 2]);
    expect(await matching({ seenSince: START + 5001 })).toEqual([uuidOf(3), 1]);
  });

  test("repository.gpus() filters by one open hold that meets all conditions, or by any hold in a window", async () => {
    await using bench = await open();
    const { repository } = bench;
    const held = (gpu: number, at: number, ...holders: readonly Holder[]): Row => [
      UTIL,
      at,
      1,
      factsOf(gpu, { holders: holderSetOf(holders) }),
    ];
    const job: Holder = { kind: "job", job: "1200" };
    await repository.save([
      batchOf([
        held(1, 0, podOf("a", "x")),
        held(1, 1000, podOf("b", "x"), podOf("a", "y")),
        held(2, 0, job),
        held(2, 1000),
        held(3, 0, podOf("a", "x")),
      ]),
    ]);
    const matching = async (filter: GpuFilter) =>
      (await repository.gpus({ filter, limit: 10 })).gpus.map(({ uuid }) => uuid);
    expect(await matching({ namespace: "x" })).toEqual([uuidOf(1), uuidOf(3)]);
    expect(await matching({ pod: "a" })).toEqual([uuidOf(1), uuidOf(3)]);
    expect(await matching({ namespace: "x", pod: "a" })).toEqual([uuidOf(3)]);
    expect(await matching({ namespace: "y", hostname: "host-0" })).toEqual([uuidOf(1)]);
    expect(await matching({ job: "1200" })).toEqual([]);
    expect(await matching({ job: "1200", window: windowOf(0, 1) })).toEqual([uuidOf(2)]);
    expect(await matching({ job: "1200", namespace: "x", window: windowOf(0, 1) })).toEqual([]);
    expect(await matching({ namespace: "x", pod: "a", window: windowOf(0, 1) })).toEqual([uuidOf(1), uuidOf(3)]);
    expect(await matching({ namespace: "x", pod: "a", window: windowOf(1, 2000) })).toEqual([]);
    expect(await matching({ namespace: "" })).toEqual([]);
  });

  test("repository.gpusByUuid() returns the known GPUs among thousands, each once", async () => {
    await using bench = await open();
    const { repository } = bench;
    await repository.save([batchOf([3, 1500, 2999].map((number): Row => [UTIL, 0, 1, factsOf(number)]))]);
    const asked = Array.from({ length: 3000 }, (_, number) => uuidOf(number));
    const found = await repository.gpusByUuid([...asked, uuidOf(3)]);
    expect(found.map(({ uuid }) => uuid).sort()).toEqual([uuidOf(3), uuidOf(1500), uuidOf(2999)].sort());
  });
}
