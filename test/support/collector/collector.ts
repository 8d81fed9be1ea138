/** A collector between a memory queue and the model store, whose time and faults the test controls. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { encodeBatch } from "../../../schema/batch/codec.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { CollectorConfig } from "../../../services/collector/config.ts";
import { runCollector } from "../../../services/collector/service.ts";
import type { Logger, LogLevel } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { ConsumerQueue, OutgoingBatch, Queue } from "../../../services/queue/port.ts";
import type { SaveOptions } from "../../../services/repository/port.ts";
import { openModelRepository } from "../repository-model/repository.ts";
import { ManualClock, settled } from "../time/manual-clock.ts";
import { batchOfReadings, NOON, uuidOf } from "./batches.ts";

const PRODUCER = "csv@0/1";

/** One reading of GPU 1 with the batch's number as its value. */
export const numbered = (seq: number): OutgoingBatch => ({
  seq,
  body: encodeBatch(batchOfReadings([{ after: seq * 1000, value: seq }], { seq })),
  readings: 1,
  position: `after ${seq}`,
});

/** A batch of version 3. */
export const ofNewerVersion = (seq: number): OutgoingBatch => {
  const batch = numbered(seq);
  return { ...batch, body: batch.body.with(2, 3) };
};

export const undecodable = (seq: number): OutgoingBatch => ({ ...numbered(seq), body: Uint8Array.of(1, 2, 3) });

function recordingLog() {
  const lines: { level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const at =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      lines.push({ level, message, fields });
  const log: Logger = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return { log, lines };
}

/** Runs everything that needs no time to pass, for as many turns as a chain of calls may take. */
export async function atRest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await settled();
}

export function openCollectorBench({
  config: given = {},
  maxDeliveries = 5,
  retentionMs = 0,
}: {
  config?: Partial<CollectorConfig>;
  maxDeliveries?: number;
  retentionMs?: number;
} = {}) {
  const clock = new ManualClock(NOON);
  const repository = openModelRepository({ retentionMs: 0 }, { clock });
  const queue = openMemoryQueue({
    clock,
    maxBytes: 64 * 1024 * 1024,
    maxDeliveries,
    restore: (producer) => repository.position(producer),
  });
  const config: CollectorConfig = {
    maxConcurrentHandlers: 10,
    batchSize: 20,
    maxGroupBytes: 4 * 1024 * 1024,
    leaseMs: 30_000,
    positions: "queue",
    ...given,
  };
  const metrics = createMetrics();
  const { log, lines } = recordingLog();
  const states: (string | null)[] = [];
  /** Calls in order: `save 1 2`, `publish 1 2`, `ack 2`. */
  const events: string[] = [];
  const stop = new AbortController();
  /** Awaited before each call; a rejection fails the call. */
  const faults = {
    save: async (_batches: readonly Batch[], _options?: SaveOptions): Promise<void> => {},
    publish: async (): Promise<void> => {},
    expire: async (): Promise<void> => {},
    queue: async (_call: keyof ConsumerQueue): Promise<void> => {},
  };
  const seqs = (batches: readonly Batch[]) => batches.map(({ seq }) => seq).join(" ");
  const consumer: ConsumerQueue = {
    claim: async (request) => {
      await faults.queue("claim");
      return queue.claim(request);
    },
    ack: async (receipts) => {
      await faults.queue("ack");
      events.push(`ack ${receipts.length}`);
      return queue.ack(receipts);
    },
    nack: async (receipts, mode) => {
      await faults.queue("nack");
      events.push(`${mode.kind} ${receipts.length}`);
      return queue.nack(receipts, mode);
    },
    extend: async (receipts, leaseMs) => {
      await faults.queue("extend");
      return queue.extend(receipts, leaseMs);
    },
  };
  let epoch = 0;
  return {
    clock,
    queue: queue as Queue,
    repository,
    metrics,
    lines,
    states,
    events,
    faults,
    stop,
    start: () =>
      runCollector(config, {
        queue: consumer,
        repository: {
          save: async (batches, options) => {
            await faults.save(batches, options);
            events.push(`save ${seqs(batches)}`);
            return repository.save(batches, options);
          },
          position: (producer) => repository.position(producer),
          expire: async (before) => {
            await faults.expire();
            return repository.expire(before);
          },
        },
        retentionMs,
        liveFeed: {
          publish: async (batches) => {
            await faults.publish();
            events.push(`publish ${seqs(batches)}`);
          },
        },
        clock,
        log,
        metrics,
        signal: stop.signal,
        onState: (problem) => states.push(problem),
      }),
    publish: async (...batches: readonly OutgoingBatch[]) => {
      if (epoch === 0) epoch = (await queue.openProducer(PRODUCER)).epoch;
      const outcome = await queue.publish(batches, { producer: PRODUCER, epoch });
      if (outcome.kind !== "accepted") throw new Error(`the queue answered ${outcome.kind}`);
    },
    /** Numbers of the stored batches. */
    stored: async () => {
      const { readings } = await repository.readings(uuidOf(1), ALL_TIME, { limit: 10_000, order: "oldest" });
      return readings.map(({ value }) => value);
    },
    letters: async () =>
      (await queue.deadLetters.list({ limit: 100 })).letters.map(({ seq, attempts, reason }) => ({
        seq,
        attempts,
        reason,
      })),
  };
}
