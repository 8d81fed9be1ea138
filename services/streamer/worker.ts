/** The streamer's thread: what runs at the other end of `startStreamerThread`. */
import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../platform/clock.ts";
import type { Fields, Logger } from "../platform/logger.ts";
import { connectQueue } from "../queue/wire.ts";
import { runStreamer } from "./service.ts";
import { describeFailure, type FromThread, type LogMethod, STREAMER_THREAD, type ToThread } from "./thread-messages.ts";

/** Totals and progress are told no more often than this. */
const REPORT_INTERVAL_MS = 50;

function remoteLogger(tell: (message: FromThread) => void, fields: Fields = {}): Logger {
  const emit =
    (method: LogMethod) =>
    (message: string, more: Fields = {}) => {
      const all = Object.entries({ ...fields, ...more }).map(([name, value]) => [
        name,
        value instanceof Error ? describeFailure(value) : value,
      ]);
      tell({ kind: "log", method, message, fields: Object.fromEntries(all) });
    };
  return {
    debug: emit("debug"),
    info: emit("info"),
    warn: emit("warn"),
    error: emit("error"),
    child: (more) => remoteLogger(tell, { ...fields, ...more }),
  };
}

/** Calls through at most once per interval; what is left out is told by a later call. */
function rarely<T>(call: (value: T) => void): (value: T) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (value) => {
    const now = performance.now();
    if (now - last < REPORT_INTERVAL_MS) return;
    last = now;
    call(value);
  };
}

function serve(parent: MessagePort): void {
  const controller = new AbortController();
  const tell = (message: FromThread) => parent.postMessage(message);
  const run = async ({ config, queue: port }: Extract<ToThread, { kind: "start" }>) => {
    using queue = connectQueue(port);
    try {
      const summary = await runStreamer(config, {
        queue,
        clock: systemClock,
        log: remoteLogger(tell),
        signal: controller.signal,
        onState: (problem) => tell({ kind: "state", problem }),
        onTotals: rarely((totals) => tell({ kind: "totals", totals })),
        onProgress: rarely((progress) => tell({ kind: "progress", progress })),
      });
      tell({ kind: "done", summary });
    } catch (error) {
      tell({ kind: "failed", failure: describeFailure(error) });
    }
  };
  parent.on("message", (message: ToThread) => {
    if (message.kind === "abort") controller.abort();
    else void run(message);
  });
}

if (!isMainThread && workerData === STREAMER_THREAD && parentPort !== null) serve(parentPort);
