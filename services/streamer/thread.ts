/** The streamer in a thread of its own, with the queue over a MessagePort. */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { AppError } from "../../schema/model/errors.ts";
import { serveQueue } from "../queue/wire.ts";
import type { StreamerConfig } from "./config.ts";
import { createMeter } from "./progress/meter.ts";
import type { StreamerSummary } from "./progress/summary.ts";
import type { StreamerOptions } from "./service.ts";
import { type FromThread, reviveFailure, STREAMER_THREAD, type ToThread } from "./thread-messages.ts";

export type StreamerThreadOptions = Omit<StreamerOptions, "clock" | "files" | "onTotals">;

const crashed = (cause: unknown): AppError =>
  new AppError("The streamer's thread has ended before its time", { code: "internal", cause });

export interface StreamerThread extends AsyncDisposable {
  /**
   * `runStreamer` in the thread, once: same outcome, same errors, on the system's clock; progress is told every 50 ms at
   * most. A thread that dies rejects with AppError `internal`.
   */
  run(config: StreamerConfig, options: StreamerThreadOptions): Promise<StreamerSummary>;
}

/** From any service's folder, and with this module's own ending: in a bundle both are other ones. */
const WORKER = `../streamer/worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`;

/** It begins to load at once, while the caller prepares what it is to run with. */
export function openStreamerThread(): StreamerThread {
  const worker = new Worker(new URL(WORKER, import.meta.url), { workerData: STREAMER_THREAD });
  return {
    run: (config, options) => runIn(worker, config, options),
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}

async function runIn(
  worker: Worker,
  config: StreamerConfig,
  { queue, log, metrics, signal, onProgress, onState }: StreamerThreadOptions,
): Promise<StreamerSummary> {
  const meter = metrics && createMeter(metrics);
  const { port1, port2 } = new MessageChannel();
  using _served = serveQueue(queue, port1);
  const tell = (message: ToThread, transfer: MessagePort[] = []) => worker.postMessage(message, transfer);
  const abort = () => tell({ kind: "abort" });
  try {
    return await new Promise<StreamerSummary>((resolve, reject) => {
      worker.on("message", (message: FromThread) => {
        switch (message.kind) {
          case "log":
            return log[message.method](message.message, message.fields);
          case "totals":
            return meter?.update(message.totals);
          case "progress":
            return onProgress?.(message.progress);
          case "state":
            meter?.ready(message.problem === null);
            return onState?.(message.problem);
          case "done":
            meter?.update(message.summary);
            return resolve(message.summary);
          case "failed":
            return reject(reviveFailure(message.failure));
          default:
            return message satisfies never;
        }
      });
      worker.on("error", (error) => reject(crashed(error)));
      worker.on("exit", (code) => reject(crashed(`exit code ${code}`)));
      tell({ kind: "start", config, queue: port2 }, [port2]);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
