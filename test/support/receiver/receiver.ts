/** A receiver that keeps its batches in a list, and a sender. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { decodeBatch } from "../../../schema/batch/codec.ts";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { type Logger, silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { readReceiverConfig } from "../../../services/receiver/config.ts";
import type { EncodedBatch } from "../../../services/receiver/series/intake.ts";
import { createReceiver } from "../../../services/receiver/service.ts";
import { inOrder, readingsOf } from "../schema/merged-rows.ts";
import { snappyLiterals } from "./write-requests.ts";

export const V1 = "application/x-protobuf";
export const V2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

export interface ReceiverSetup {
  readonly env?: Readonly<Record<string, string>>;
  readonly host?: string;
  readonly clock?: Pick<typeof systemClock, "now" | "monotonic">;
  readonly log?: Logger;
  /** Throws to refuse batches. */
  readonly onRecord?: (batches: readonly EncodedBatch[]) => Promise<void>;
}

export function startReceiver({
  env = {},
  host = "127.0.0.1",
  clock,
  log = silentLogger,
  onRecord,
}: ReceiverSetup = {}) {
  const recorded: EncodedBatch[] = [];
  const metrics = createMetrics();
  const receiver = createReceiver({
    config: readReceiverConfig(env),
    host,
    rules: createLabelRules(DEFAULT_LABELS),
    recorder: {
      record: async (batches) => {
        await onRecord?.(batches);
        recorded.push(...batches);
      },
    },
    clock: clock === undefined ? systemClock : { ...systemClock, ...clock },
    log,
    metrics,
  });
  const batches = (): Batch[] =>
    recorded.map(({ body }) => {
      const batch = decodeBatch(body);
      if (!batch.ok) throw new Error(batch.error);
      return batch.value;
    });
  return {
    receiver,
    recorded,
    batches,
    metrics: () => metrics.render(),
    /** GPU, series and time → value, sorted. */
    readings: () => inOrder(new Map(batches().flatMap((batch) => [...readingsOf(batch)]))),
    marks: () => batches().reduce((sum, { marks }) => sum + marks, 0),
    /** Sends bytes before compression. */
    send: (
      bytes: Uint8Array,
      {
        type = V1,
        path = "/api/v1/write",
        ...headers
      }: { type?: string; path?: string; [header: string]: string } = {},
    ): Promise<Response> =>
      receiver.fetch(
        new Request(`http://127.0.0.1:8080${path}`, {
          method: "POST",
          headers: { "content-type": type, "content-encoding": "snappy", ...headers },
          body: snappyLiterals(bytes),
        }),
      ),
  };
}
