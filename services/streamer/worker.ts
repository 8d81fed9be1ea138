/** The streamer's thread: what runs at the other end of `openStreamerThread`. */
import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../platform/process/clock.ts";
import type { Fields, Logger } from "../platform/process/logger.ts";
import { connectQueue } from "../queue/wire.ts";
import { announceFiles } from "../sources/files/found-files.ts";
import type { StreamerProgress } from "./progress/progress.ts";
import type { StreamerTotals } from "./progress/summary.ts";
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

/** Tells the latest at most once per interval; what was held back goes out with `flush`. */
function rarely<T>(tell: (value: T) => void): { offer(value: T): void; flush(): void } {
  let last = Number.NEGATIVE_INFINITY;
  let held: { readonly value: T } | undefined;
  const flush = () => {
    if (held !== undefined) tell(held.value);
    held = undefined;
  };
  return {
    offer(value) {
      held = { value };
      const now = performance.now();
      if (now - last < REPORT_INTERVAL_MS) return;
      last = now;
      flush();
    },
    flush,
  };
}

function serve(parent: MessagePort): void {
  const controller = new AbortController();
  const tell = (message: FromThread) => parent.postMessage(message);
  const totals = rarely<StreamerTotals>((value) => tell({ kind: "totals", totals: value }));
  const progress = rarely<StreamerProgress>((value) => tell({ kind: "progress", progress: value }));
  const run = async ({ config, queue: port }: Extract<ToThread, { kind: "start" }>) => {
    using queue = connectQueue(port);
    const log = remoteLogger(tell);
    try {
      await announceFiles(config.csvPaths, { log });
      const summary = await runStreamer(config, {
        queue,
        clock: systemClock,
        log,
        signal: controller.signal,
        onState: (problem) => tell({ kind: "state", problem }),
        onTotals: totals.offer,
        onProgress: progress.offer,
      });
      progress.flush();
      tell({ kind: "done", summary });
    } catch (error) {
      totals.flush();
      tell({ kind: "failed", failure: describeFailure(error) });
    }
  };
  parent.on("message", (message: ToThread) => {
    if (message.kind === "abort") controller.abort();
    else void run(message);
  });
}

if (!isMainThread && workerData === STREAMER_THREAD && parentPort !== null) serve(parentPort);
