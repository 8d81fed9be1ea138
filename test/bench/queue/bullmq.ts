/** The other side: BullMQ on the same Redis, with the settings that its documentation recommends for throughput. */
import { Queue, Worker } from "bullmq";
import type { RedisServer } from "../../support/servers/redis-server.ts";
import { CALLS_IN_FLIGHT, callsOf, type QueueSide } from "./side.ts";

const QUEUE = "bench";
/** Jobs that the worker runs at once. */
const CONCURRENCY = 100;

export async function openBullMq({ port }: RedisServer): Promise<QueueSide> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue(QUEUE, { connection, defaultJobOptions: { removeOnComplete: true, removeOnFail: true } });
  await queue.waitUntilReady();

  const openWorker = async (handle: (job: { readonly data: unknown }) => void) => {
    const worker = new Worker(QUEUE, async (job) => handle(job), { connection, concurrency: CONCURRENCY });
    worker.on("error", (error) => {
      throw error;
    });
    await worker.waitUntilReady();
    return worker;
  };

  return {
    async publish(messages, perCall) {
      const calls = callsOf(messages, perCall);
      const publisher = async () => {
        for (const call of calls) await queue.addBulk(call.map(({ job }) => ({ name: "batch", data: job })));
      };
      await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, publisher));
    },
    async consume(count) {
      const done = Promise.withResolvers<void>();
      let completed = 0;
      const startedAt = performance.now();
      const worker = await openWorker(() => {});
      worker.on("completed", () => {
        if (++completed === count) done.resolve();
      });
      await done.promise;
      const tookS = (performance.now() - startedAt) / 1000;
      await worker.close();
      return tookS;
    },
    async latencies(messages, pauseMs) {
      const sentAt: number[] = [];
      const took: number[] = [];
      const done = Promise.withResolvers<void>();
      const worker = await openWorker(({ data }) => {
        const { number } = data as { number: number };
        took.push(performance.now() - (sentAt[number] as number));
        if (took.length === messages.length) done.resolve();
      });
      for (const [number, { job }] of messages.entries()) {
        sentAt[number] = performance.now();
        await queue.add("batch", { ...job, number });
        await Bun.sleep(pauseMs);
      }
      await done.promise;
      await worker.close();
      return took;
    },
    [Symbol.asyncDispose]: () => queue.close(),
  };
}
