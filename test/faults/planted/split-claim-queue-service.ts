/**
 * The queue-service with a planted defect: a claim removes batches from the queue in one command and leases them in
 * another. A crash between the two loses the batches.
 */
import { Redis } from "ioredis";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { readEnvironment } from "../../../services/platform/process/env.ts";
import { runProgram } from "../../../services/platform/process/lifecycle.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { openQueue } from "../../../services/queue/open.ts";
import type { ConsumerQueue } from "../../../services/queue/port.ts";
import { readQueueServiceConfig } from "../../../services/queue-service/config.ts";
import { runQueueService } from "../../../services/queue-service/service.ts";

const BODIES = "q:{telemetry:0}:bodies";
const LEASES = "q:{telemetry:0}:leases";
/** Delay before the second command, ms, so that kills hit it. */
const BETWEEN_MS = 500;

function splitClaim(claim: ConsumerQueue["claim"], redis: Redis): ConsumerQueue["claim"] {
  return async (request) => {
    const deliveries = await claim(request);
    if (deliveries.length === 0) return deliveries;
    const ids = deliveries.map(({ id }) => id.slice(id.indexOf("-") + 1));
    const entries = await redis.hmgetBuffer(BODIES, ...ids);
    const ends = await redis.zmscore(LEASES, ...ids);
    await redis
      .multi()
      .hdel(BODIES, ...ids)
      .zrem(LEASES, ...ids)
      .exec();
    await systemClock.sleep(BETWEEN_MS);
    const back = redis.multi();
    for (const [index, id] of ids.entries()) {
      const [entry, end] = [entries[index], ends[index]];
      if (entry && end) back.hset(BODIES, id, entry).zadd(LEASES, end, id);
    }
    await back.exec();
    return deliveries;
  };
}

await runProgram("queue-service", {
  read: () => readQueueServiceConfig(readEnvironment(), { isTerminal: false }),
  run: async (config, { log, signal }) => {
    await using real = await openQueue({
      kind: "redis",
      redis: config.redis,
      ...config.bounds,
      clock: systemClock,
      log,
    });
    const redis = new Redis({ ...config.redis.addresses[0], maxRetriesPerRequest: 0, commandTimeout: 2000 });
    redis.on("error", () => {});
    const claim = splitClaim((request) => real.claim(request), redis);
    const queue = new Proxy(real, {
      get(target, name) {
        if (name === "claim") return claim;
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    return await runQueueService(config, { queue, clock: systemClock, log, metrics: createMetrics(), signal });
  },
});
