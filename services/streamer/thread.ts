/** Runs the streamer in a thread of its own, with the queue over a MessagePort. */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { AppError } from "../../schema/model/errors.ts";
import { serveQueue } from "../queue/wire.ts";
import type { StreamerConfig } from "./config.ts";
import { createMeter } from "./progress/meter.ts";
import type { StreamerSummary } from "./progress/summary.ts";
import type { StreamerOptions } from "./service.ts";
import { type FromThread, reviveFailure, STREAMER_THREAD, type ToThread } from "./thread-messages.ts";

export type StreamerThreadOptions = Omit<StreamerOptions, "clock" | "sources" | "onTotals">;

const crashed = (cause: unknown): AppError =>
  new AppError("The streamer's thread has ended unexpectedly", { code: "internal", cause });

export interface StreamerThread extends AsyncDisposable {
  /**
   * Calls `runStreamer` in the thread, with the configured sources and the system's clock, and has the same outcome and
   * errors. Reports progress at most every 50 ms. Can be called once.
   * @throws AppError `internal` if the thread dies
   */
  run(config: StreamerConfig, options: StreamerThreadOptions): Promise<StreamerSummary>;
}

/**
 * Path of the thread's module. It works from any service's folder and has this module's file extension, because a
 * bundle moves this module to the folder of its program and compiles both modules to `.js`.
 */
const WORKER = `../streamer/worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`;

/** Starts loading the thread at once, while the caller prepares its options. */
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
  { queue, log, metrics, signal, onProgress, onState, onFirstPass }: StreamerThreadOptions,
): Promise<StreamerSummary> {
  const meter = metrics && createMeter(metrics);
  const { port1, port2 } = new MessageChannel();
  using _served = serveQueue(queue, port1);
  const post = (message: ToThread, transfer: MessagePort[] = []) => worker.postMessage(message, transfer);
  const abort = () => post({ kind: "abort" });
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
          case "first pass":
            return onFirstPass?.(message.summary);
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
      post({ kind: "start", config, queue: port2 }, [port2]);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
