/** Changes the number of streamers in mid-file: streamers, queue-service, Redis and collector as processes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openQueue } from "../../services/queue/open.ts";
import { openRepository } from "../../services/repository/open.ts";
import { NumberedFleet } from "../support/chaos/numbered-fleet.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { Member } from "../support/programs/member.ts";
import { onRuntime } from "../support/programs/process.ts";
import { drained } from "../support/queue/drained.ts";
import { compareAnswers } from "../support/repository/stored-fleet.ts";
import { freePort } from "../support/servers/free-port.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

describe.skipIf(!haveRedisServer())("streamers whose number changes in the middle of a file", () => {
  const fleet = new NumberedFleet({ gpus: 48, ticks: 100, seed: 7 });
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
    await fleet.write(folder.path, 1);
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  async function openPipeline(store: string) {
    await redis.command("FLUSHALL");
    await using opened = new AsyncDisposableStack();
    let owner: AsyncDisposableStack = opened;
    const start = (service: string, env: Record<string, string>): Member => {
      const command = onRuntime("bun", `services/${service}/main.ts`);
      const member = owner.use(new Member({ name: service, command, env: { LOG_FORMAT: "json", ...env } }));
      member.start();
      return member;
    };
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const common = { REDIS_ADDR: redis.address, QUEUE_SERVICE_URL: url };
    const queueService = start("queue-service", { ...common, PORT: String(port) });
    const collector = start("collector", { ...common, PORT: "0", SQLITE_PATH: store });
    await Promise.all([queueService.listening(), collector.listening()]);
    const queue = opened.use(await openQueue({ kind: "http", url, token: null, clock: systemClock }));
    const all = opened.move();
    owner = all;
    return {
      queue,
      /** One streamer per shard, started. */
      streamers: (shards: number, env: (shard: number) => Record<string, string>): readonly Member[] => {
        const source = { CSV_PATH: join(folder.path, "part-0.csv"), LOOP_MODE: "false" };
        return Array.from({ length: shards }, (_, shard) => {
          const place = { STREAMER_SHARD: String(shard), STREAMER_SHARDS: String(shards) };
          return start("streamer", { ...common, PORT: "0", ...source, ...place, ...env(shard) });
        });
      },
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  }

  async function compare(path: string) {
    const parts = { clock: systemClock, log: silentLogger };
    await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
    return await compareAnswers(repository, fleet);
  }

  const stop = async (streamer: Member): Promise<void> => void (await streamer.stop());
  const kill = (streamer: Member): Promise<void> => streamer.kill();

  // Under a number used before, streamers continue at their own positions, otherwise at those of the other number.
  for (const [what, numbers, end] of [
    ["1, killed again and again", [1, 1, 1, 1], kill],
    ["from 1 to 3 and back to 1, stopped", [1, 3, 1], stop],
    ["from 1 to 3 and back to 1, killed", [1, 3, 1], kill],
    ["from 1 to 3, killed", [1, 3], kill],
    ["from 3 to 2 to 1, killed", [3, 2, 1], kill],
  ] as const) {
    test(`${what}: every reading is stored once`, async () => {
      const store = join(folder.path, `${what}.sqlite`);
      await using pipeline = await openPipeline(store);
      const { queue, streamers } = pipeline;
      const published = async () => (await queue.stats()).counters.published;
      for (const shards of numbers.slice(0, -1)) {
        const before = await published();
        const running = streamers(shards, (shard) => ({ STREAM_INTERVAL: `${1 + 9 * shard}ms`, BATCH_SIZE: "100" }));
        await eventually(async () => (await published()) > before + 60, { what: "they are at work" });
        await Promise.all(running.map(end));
      }
      const inTheMiddle = await published();
      const last = streamers(numbers[numbers.length - 1] as number, () => ({ STREAM_INTERVAL: "0" }));
      await Promise.all(last.map((streamer) => streamer.ended()));
      expect(last.flatMap(({ ends }) => ends)).toEqual(last.map(() => 0));
      expect(await published()).toBeGreaterThan(inTheMiddle);
      const { dead, counters } = await drained(queue);
      expect(await compare(store)).toEqual({ readings: fleet.readings, lost: 0, twice: 0, altered: 0, examples: [] });
      expect(dead).toBe(0);
      // A change of shards sends again what the store takes once; without one, nothing is sent twice.
      if (numbers.every((number) => number === 1)) expect(counters.readings).toBe(fleet.readings);
    }, 180_000);
  }
});
