import { expect, test } from "bun:test";
import { encodeBatch } from "../../../schema/batch/codec.ts";
import { AppError } from "../../../schema/model/errors.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { runCollector } from "../../../services/collector/service.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { ConsumerQueue, OutgoingBatch } from "../../../services/queue/port.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { batchOfReadings, uuidOf } from "../../support/collector/batches.ts";
import { openModelRepository } from "../../support/repository-model/repository.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";
import { seeded } from "../../support/time/seeded.ts";

const WORLDS = 60;
const BATCHES = 40;
const PRODUCERS = ["csv@0/2", "csv@1/2"];

/** Item `n` of producer `p` is a reading of GPU `p` with value `n`. Some items can never be stored. */
function openWorld(random: () => number) {
  const clock = new ManualClock();
  const repository = openModelRepository({ retentionMs: 0 }, { clock });
  const items = PRODUCERS.map((_, gpu) =>
    Array.from({ length: BATCHES }, (_, index) => {
      const fate = random();
      const batch = batchOfReadings([{ gpu, after: index * 1000, value: index + 1 }]);
      return {
        isDamaged: fate < 0.05,
        isPoison: fate >= 0.05 && fate < 0.1,
        body: fate < 0.05 ? Uint8Array.of(9) : encodeBatch(batch),
      };
    }),
  );
  return { clock, repository, items };
}

type World = ReturnType<typeof openWorld>;

async function storedValues(repository: Repository, gpu: number): Promise<number[]> {
  const { readings } = await repository.readings(uuidOf(gpu), ALL_TIME, { limit: 10_000, order: "oldest" });
  return readings.map(({ value }) => value);
}

/** Checks that every item up to the stored position is stored, unless it can never be. Returns the positions. */
async function checkPositions({ repository, items }: World): Promise<number[]> {
  const reached: number[] = [];
  for (const [gpu, producer] of PRODUCERS.entries()) {
    const position = await repository.position(producer);
    const last = Number(position?.position ?? 0);
    const stored = new Set(await storedValues(repository, gpu));
    const lost = (items[gpu] ?? [])
      .slice(0, last)
      .flatMap(({ isDamaged, isPoison }, index) => (isDamaged || isPoison || stored.has(index + 1) ? [] : [index + 1]));
    expect({ producer, last, lost }).toEqual({ producer, last, lost: [] });
    reached.push(last);
  }
  return reached;
}

/** Starts a process and publishes to it. `kill` drops all that it holds; it then writes nothing more. */
async function live(world: World, random: () => number, { faultiness, steps }: { faultiness: number; steps: number }) {
  const { clock, repository, items } = world;
  const stop = new AbortController();
  let isDead = false;
  const queue = openMemoryQueue({
    clock,
    maxBytes: 1024 * 1024,
    maxDeliveries: 5,
    restore: (name) => repository.position(name),
  });
  const fails = () => random() < faultiness;
  const unavailable = () => new AppError("connection refused", { code: "unavailable" });
  const faulty =
    <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      if (fails()) throw random() < 0.8 ? unavailable() : new TypeError("a defect");
      return call(...args);
    };
  const consumer: ConsumerQueue = {
    claim: faulty((request) => queue.claim(request)),
    ack: faulty((receipts) => queue.ack(receipts)),
    nack: faulty((receipts, mode) => queue.nack(receipts, mode)),
    extend: faulty((receipts, leaseMs) => queue.extend(receipts, leaseMs)),
  };
  const running = runCollector(
    {
      maxConcurrentHandlers: 10,
      batchSize: 1 + Math.floor(random() * 6),
      maxGroupBytes: 4096,
      leaseMs: 3000,
      positions: "store",
    },
    {
      queue: consumer,
      repository: {
        position: faulty((producer) => repository.position(producer)),
        expire: (before) => repository.expire(before),
        save: async (batches, options) => {
          if (isDead) return new Promise(() => {});
          if (fails()) await clock.sleep(random() * 6000);
          if (isDead) return new Promise(() => {});
          const poison = batches.find(({ blocks }) =>
            blocks.some(({ gpu, from }) =>
              PRODUCERS.some((_, at) => gpu === uuidOf(at) && items[at]?.[(from / 1000) % 3600]?.isPoison),
            ),
          );
          if (poison !== undefined) throw new AppError("poison", { code: "invalid" });
          if (fails()) throw random() < 0.5 ? unavailable() : new TypeError("a defect");
          const outcome = await repository.save(batches, options);
          await checkPositions(world);
          if (fails()) throw unavailable();
          return outcome;
        },
      },
      liveFeed: { publish: faulty(async () => {}) },
      clock,
      log: silentLogger,
      signal: stop.signal,
    },
  );
  const publishers = await Promise.all(
    PRODUCERS.map(async (producer) => ({ producer, ...(await queue.openProducer(producer)) })),
  );
  const next = publishers.map(({ seq, position }) => ({ seq, item: Number(position ?? 0) }));
  for (let step = 0; step < steps; step++) {
    const which = Math.floor(random() * PRODUCERS.length);
    const from = publishers[which] as (typeof publishers)[number];
    const at = next[which] as (typeof next)[number];
    if (random() < 0.05) Object.assign(from, await queue.openProducer(from.producer));
    const batches: OutgoingBatch[] = (items[which] ?? [])
      .slice(at.item, at.item + 1 + Math.floor(random() * 5))
      .map(({ body }, index) => ({
        seq: at.seq + 1 + index,
        body,
        readings: 1,
        position: String(at.item + 1 + index),
      }));
    if (batches.length > 0) {
      expect(await queue.publish(batches, from)).toEqual({ kind: "accepted" });
      at.seq += batches.length;
      at.item += batches.length;
    }
    await clock.advance(random() < 0.2 ? random() * 5000 : 1);
  }
  return {
    queue,
    kill: async () => {
      isDead = true;
      stop.abort();
      await clock.advance(20_000);
      await running;
    },
  };
}

test("runCollector() never stores a position beyond a missing batch, whatever fails and whenever it is killed", async () => {
  const random = seeded("collector positions");
  for (let number = 0; number < WORLDS; number++) {
    const world = openWorld(random);
    for (let life = 0; life < 3; life++) {
      const { kill } = await live(world, random, { faultiness: random() * 0.4, steps: Math.floor(random() * 20) });
      await kill();
      await checkPositions(world);
    }
    const { queue, kill } = await live(world, random, { faultiness: 0, steps: 6 * BATCHES });
    await world.clock.advance(60_000);
    expect(await queue.stats()).toMatchObject({ ready: 0, leased: 0, delayed: 0 });
    await kill();
    expect(await checkPositions(world)).toEqual(PRODUCERS.map(() => BATCHES));
    for (const [gpu, all] of world.items.entries()) {
      const good = all.flatMap(({ isDamaged, isPoison }, index) => (isDamaged || isPoison ? [] : [index + 1]));
      expect(await storedValues(world.repository, gpu)).toEqual(good);
    }
  }
}, 60_000);
