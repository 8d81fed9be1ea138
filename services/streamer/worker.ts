/** The streamer's thread: runs at the other end of `openStreamerThread`. */
import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../platform/process/clock.ts";
import type { Fields, Logger } from "../platform/process/logger.ts";
import { connectQueue } from "../queue/wire.ts";
import { openSources } from "../sources/open.ts";
import { announceSources } from "./announce.ts";
import type { StreamerProgress } from "./progress/progress.ts";
import type { StreamerTotals } from "./progress/summary.ts";
import { runStreamer } from "./service.ts";
import { describeFailure, type FromThread, type LogMethod, STREAMER_THREAD, type ToThread } from "./thread-messages.ts";

/** Shortest time between two reports of totals, and of progress. */
const REPORT_INTERVAL_MS = 50;

function remoteLogger(post: (message: FromThread) => void, fields: Fields = {}): Logger {
  const emit =
    (method: LogMethod) =>
    (message: string, more: Fields = {}) => {
      const all = Object.entries({ ...fields, ...more }).map(([name, value]) => [
        name,
        value instanceof Error ? describeFailure(value) : value,
      ]);
      post({ kind: "log", method, message, fields: Object.fromEntries(all) });
    };
  return {
    debug: emit("debug"),
    info: emit("info"),
    warn: emit("warn"),
    error: emit("error"),
    child: (more) => remoteLogger(post, { ...fields, ...more }),
  };
}

/** Posts the latest value at most once per interval; `flush` posts a value held back. */
function throttle<T>(post: (value: T) => void): { offer(value: T): void; flush(): void } {
  let last = Number.NEGATIVE_INFINITY;
  let held: { readonly value: T } | undefined;
  const flush = () => {
    if (held !== undefined) post(held.value);
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
  const post = (message: FromThread) => parent.postMessage(message);
  const totals = throttle<StreamerTotals>((value) => post({ kind: "totals", totals: value }));
  const progress = throttle<StreamerProgress>((value) => post({ kind: "progress", progress: value }));
  const run = async ({ config, queue: port }: Extract<ToThread, { kind: "start" }>) => {
    using queue = connectQueue(port);
    const log = remoteLogger(post);
    try {
      const sources = openSources(config.sources, { clock: systemClock });
      await announceSources(sources, { log, watch: config.watch });
      const summary = await runStreamer(config, {
        sources,
        queue,
        clock: systemClock,
        log,
        signal: controller.signal,
        onState: (problem) => post({ kind: "state", problem }),
        onFirstPass: (summary) => post({ kind: "first pass", summary }),
        onTotals: totals.offer,
        onProgress: progress.offer,
      });
      progress.flush();
      post({ kind: "done", summary });
    } catch (error) {
      totals.flush();
      post({ kind: "failed", failure: describeFailure(error) });
    }
  };
  parent.on("message", (message: ToThread) => {
    if (message.kind === "abort") controller.abort();
    else void run(message);
  });
}

if (!isMainThread && workerData === STREAMER_THREAD && parentPort !== null) serve(parentPort);
