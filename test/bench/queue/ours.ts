/** Our side: the queue on Redis with the settings of queue-service. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openQueue } from "../../../services/queue/open.ts";
import type { Queue } from "../../../services/queue/port.ts";
import type { RedisServer } from "../../support/servers/redis-server.ts";
import { CALLS_IN_FLIGHT, callsOf, type QueueSide } from "./side.ts";

const LEASE_MS = 30_000;
const WAIT_MS = 1000;
const MAX_BYTES = 512 * 1024 * 1024;
const MAX_CLAIM_BYTES = 4 * 1024 * 1024;

/** A producer has one call in flight at a time, so there are as many producers as calls. */
async function openProducers(queue: Queue) {
  const names = Array.from({ length: CALLS_IN_FLIGHT }, (_, number) => `bench@${number}/${CALLS_IN_FLIGHT}`);
  return Promise.all(
    names.map(async (producer) => {
      const { epoch, seq } = await queue.openProducer(producer);
      return { producer, epoch, seq };
    }),
  );
}

export async function openOurs({ config }: RedisServer): Promise<QueueSide> {
  const queue = await openQueue({
    kind: "redis",
    redis: config,
    partitions: 1,
    maxBytes: MAX_BYTES,
    maxDeliveries: 5,
    clock: systemClock,
    log: silentLogger,
  });
  const claim = (max: number, waitMs: number) =>
    queue.claim({ max, maxBytes: MAX_CLAIM_BYTES, leaseMs: LEASE_MS, waitMs });
  return {
    async publish(messages, perCall) {
      const calls = callsOf(messages, perCall);
      const publisher = async ({ producer, epoch, seq }: { producer: string; epoch: number; seq: number }) => {
        for (const call of calls) {
          const batches = call.map(({ body, readings }) => ({ seq: ++seq, body, readings, position: String(seq) }));
          const outcome = await queue.publish(batches, { producer, epoch });
          if (outcome.kind !== "accepted") throw new Error(`publish() must return accepted, got ${outcome.kind}`);
        }
      };
      await Promise.all((await openProducers(queue)).map(publisher));
    },
    async consume(count, perCall) {
      const startedAt = performance.now();
      let left = count;
      const consumer = async () => {
        while (left > 0) {
          const deliveries = await claim(perCall, 0);
          const acked = await queue.ack(deliveries.map(({ receipt }) => receipt));
          left -= acked.filter(Boolean).length;
        }
      };
      await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, consumer));
      return (performance.now() - startedAt) / 1000;
    },
    async latencies(messages, pauseMs) {
      const { producer, epoch, seq } = (await openProducers(queue))[0] as {
        producer: string;
        epoch: number;
        seq: number;
      };
      const sentAt: number[] = [];
      const took: number[] = [];
      const consumer = async () => {
        while (took.length < messages.length) {
          const deliveries = await claim(100, WAIT_MS);
          const now = performance.now();
          for (const delivery of deliveries) took.push(now - (sentAt[delivery.seq - seq - 1] as number));
          await queue.ack(deliveries.map(({ receipt }) => receipt));
        }
      };
      const publisher = async () => {
        for (const [number, { body, readings }] of messages.entries()) {
          sentAt[number] = performance.now();
          const batch = { seq: seq + 1 + number, body, readings, position: "" };
          await queue.publish([batch], { producer, epoch });
          await Bun.sleep(pauseMs);
        }
      };
      await Promise.all([consumer(), publisher()]);
      return took;
    },
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}
