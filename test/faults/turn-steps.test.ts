/**
 * A process that stores holds and stays dies before or after each of its writes to MongoDB, and another process goes
 * on: the database answers as if the process had never been there.
 *
 * `TURN_ALL=1 bun test --timeout 60000 test/faults/turn-steps.test.ts` tries both orders of what follows each death.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Batch } from "../../schema/batch/batch.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openRepository } from "../../services/repository/open.ts";
import type { Repository } from "../../services/repository/port.ts";
import {
  batchOf,
  ENGINE_3,
  factsOf,
  heldBy,
  type Row,
  START,
  TEMP,
  UTIL,
  uuidOf,
} from "../conformance/repository/bench.ts";
import { openDatabase, type SharedDatabase } from "../support/repository/mongo-store.ts";
import { type Death, type DoomedLink, openDoomedLink } from "../support/servers/doomed-link.ts";
import { requireMongo } from "../support/servers/mongo-server.ts";
import { ManualClock } from "../support/time/manual-clock.ts";
import { answersOf, differences, freshAnswers, NO_DIFFERENCE } from "../support/upgrade/answers.ts";

const ALL = process.env.TURN_ALL === "1";
const STEP_MS = 15_000;
/** GPUs of the story; the process that dies has saved another one before. */
const GPUS: readonly GpuUuid[] = [0, 1, 2, 3, 4, 5, 6].map((gpu) => uuidOf(gpu));

interface Story {
  /** Stored before the death. */
  readonly first: Batch;
  /** Saved by the process that dies, and delivered again afterwards. */
  readonly fatal: Batch;
  readonly later: Batch;
}

/**
 * One change of each kind. GPU 0 gets another holder, GPU 1 its first one and an instance, GPU 2 moves to a slot that
 * GPU 3 had, GPU 4 had another holder in between, GPU 5 had its present holder earlier, GPU 6 changes nothing.
 */
function createStory(): Story {
  const at = (tick: number, gpu: number, pod: string | null, more: Partial<ReturnType<typeof factsOf>> = {}): Row[] => {
    const facts = factsOf(gpu, { ...heldBy(pod), ...more });
    return [UTIL, TEMP].map((series): Row => [series, tick * STEP_MS, tick + gpu, facts]);
  };
  const instance = { instance: "3", profile: "1g.10gb" };
  const first = [
    ...[0, 1, 2].flatMap((tick) => [
      ...at(tick, 0, "a"),
      ...at(tick, 1, null),
      ...at(tick, 2, "b"),
      ...at(tick, 3, "b"),
      ...at(tick, 6, "c"),
    ]),
    ...[0, 4].flatMap((tick) => at(tick, 4, "a")),
    ...at(0, 5, "a"),
    ...at(4, 5, "b"),
  ];
  const fatal = [
    ...at(3, 0, "d"),
    ...at(3, 1, "d"),
    ...[3, 4].map((tick): Row => [ENGINE_3, tick * STEP_MS, tick, factsOf(1, { ...heldBy("e"), ...instance })]),
    ...at(3, 2, "b", { index: "3", device: "nvidia3" }),
    ...at(2, 4, "b"),
    ...at(2, 5, "b"),
    ...at(3, 6, "c"),
  ];
  const later = [
    ...at(5, 0, null),
    ...at(5, 1, "d"),
    ...at(5, 2, "b", { index: "3", device: "nvidia3" }),
    ...[4, 5, 6].flatMap((gpu) => at(5, gpu, "c")),
  ];
  const [one, two, three] = [first, fatal, later].map((rows, index) => batchOf(rows, { seq: index + 1 }));
  return { first: one as Batch, fatal: two as Batch, later: three as Batch };
}

const STORY = createStory();

const clock = () => new ManualClock(START + 10 * STEP_MS);

/** A store whose process may die. It has saved a batch of another GPU, so that only the story's writes count. */
async function openVictim(config: SharedDatabase["config"], link: DoomedLink): Promise<Repository> {
  const url = `mongodb://${link.address}/?directConnection=true`;
  const victim = await openRepository({ ...config, kind: "mongodb", url } as typeof config, {
    clock: clock(),
    log: silentLogger,
  });
  await victim.save([batchOf([[UTIL, 0, 1, factsOf(1_000_000)]])]);
  return victim;
}

const mongo = await requireMongo("steps of a turn");
describe.skipIf(mongo === null)("a process that dies while it stores holds", () => {
  const { hostname, port } = new URL(mongo?.uri ?? "mongodb://127.0.0.1:1/");
  const target = { host: hostname, port: Number(port) };
  const dead = new AsyncDisposableStack();
  let fresh: readonly string[] = [];
  beforeAll(async () => {
    fresh = await freshAnswers([STORY.first, STORY.fatal, STORY.later], GPUS);
  });
  afterAll(async () => {
    await dead.disposeAsync();
    await mongo?.[Symbol.asyncDispose]();
  });

  async function writesOfSave(): Promise<readonly string[]> {
    await using database = openDatabase(mongo?.uri ?? "");
    await using link = await openDoomedLink(target);
    await using victim = await openVictim(database.config, link);
    await using other = await database.open({ clock: clock() });
    await other.save([STORY.first]);
    link.count();
    await victim.save([STORY.fatal]);
    return [...link.writes];
  }

  /** `order`: what the other process saves after the death. */
  async function outlive(death: Death, order: readonly ("fatal" | "later")[]): Promise<void> {
    await using database = openDatabase(mongo?.uri ?? "");
    const link = dead.use(await openDoomedLink(target));
    const victim = dead.use(await openVictim(database.config, link));
    {
      await using other = await database.open({ clock: clock() });
      await other.save([STORY.first]);
      link.count(death);
      const saved = victim.save([STORY.fatal]).catch(() => {});
      await Promise.race([link.died, saved]);
      for (const name of order) await other.save([STORY[name]]);
    }
    // Opened once the last times of the other process are written.
    await using reader = await database.open({ clock: clock() });
    const found = differences(await answersOf(reader, GPUS), fresh);
    expect({ death, order, ...found }).toEqual({ death, order, ...NO_DIFFERENCE });
  }

  test("leaves nothing behind that others do not mend, at whichever write it dies", async () => {
    const writes = await writesOfSave();
    console.log(`writes of a save: ${writes.join(" ")}`);
    // Buckets, begin, holds, pulses, stays, end, inventory.
    expect(writes.length).toBeGreaterThanOrEqual(8);
    for (let write = 1; write <= writes.length; write++) {
      for (const moment of ["before", "after"] as const) {
        const isRedeliveredFirst = (write % 2 === 0) === (moment === "before");
        if (ALL || isRedeliveredFirst) await outlive({ write, moment }, ["fatal", "later"]);
        if (ALL || !isRedeliveredFirst) await outlive({ write, moment }, ["later", "fatal"]);
      }
    }
  }, 600_000);
});
