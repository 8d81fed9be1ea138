/**
 * Receives metrics into the queue of this process, through a spool on disk. The spool is opened by the first request
 * that needs it, and at the start if it has records that are not stored yet.
 */
import { existsSync } from "node:fs";
import { createLabelRules } from "../../schema/dcgm/label-rules.ts";
import { Availability } from "../platform/process/availability.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { createSpoolRecorder, type Recorder } from "../receiver/record/recorder.ts";
import { createReceiver, type Receiver } from "../receiver/service.ts";
import { producerOf, sendFromSpool } from "../spool/send/sender.ts";
import { Spool } from "../spool/spool.ts";
import type { Backends } from "./backends.ts";
import type { AllInOneConfig } from "./config.ts";
import { confirmStored } from "./confirm-stored.ts";

export interface Receiving extends AsyncDisposable {
  readonly receiver: Receiver;
  /** Rejects if the spool can no longer be sent; otherwise stays pending. */
  readonly broken: Promise<never>;
}

interface ReceivingParts {
  readonly backends: Pick<Backends, "queue" | "repository">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export function openReceiving(
  config: Pick<AllInOneConfig, "receiver" | "receiveSpool" | "streamer" | "backends" | "api">,
  { backends, clock, log, metrics }: ReceivingParts,
): Receiving {
  const { queue, repository } = backends;
  const ending = new AbortController();
  const broken = Promise.withResolvers<never>();
  // A rejection is observed even if the run has ended otherwise.
  broken.promise.catch(() => undefined);
  let opened: Promise<{ spool: Spool; recorder: Recorder; sent: Promise<void> }> | undefined;
  let bytes = () => 0;

  async function openSpool() {
    const spool = await Spool.open(config.receiveSpool);
    bytes = () => spool.bytes;
    const producer = producerOf(spool, "receive");
    const availability = new Availability("queue", { clock, log });
    const onGap = (record: number) => log.warn("queue has lost batches, sending again", { record });
    const onAccepted = confirmStored({ spool, producer, repository, keepsBatches: config.backends.redis !== null });
    const sent = sendFromSpool({ spool, producer, queue, availability, clock, onAccepted, onGap }, ending.signal).catch(
      broken.reject,
    );
    return { spool, recorder: createSpoolRecorder(spool, { clock, log }), sent };
  }

  const open = () => {
    opened ??= openSpool();
    // The next request tries again.
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  if (existsSync(config.receiveSpool.folder)) open().catch(broken.reject);
  metrics.gauge({ name: "receiver_spool_bytes", help: "Bytes of the receiver's spool." }, () => bytes());
  const receiver = createReceiver({
    config: config.receiver,
    host: config.api.host,
    rules: createLabelRules(config.streamer.sources.labels),
    recorder: {
      async record(batches) {
        if (batches.length === 0) return;
        const { recorder } = await open();
        await recorder.record(batches);
      },
    },
    ...{ clock, log, metrics },
  });
  return {
    receiver,
    broken: broken.promise,
    async [Symbol.asyncDispose]() {
      ending.abort();
      const last = await opened?.catch(() => undefined);
      await last?.sent;
      await last?.spool[Symbol.asyncDispose]();
    },
  };
}
