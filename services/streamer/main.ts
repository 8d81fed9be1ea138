/** The streamer as a process: sources → queue-service. Ends by itself if LOOP_MODE is false, unless AT_END is wait. */

import { withOutages } from "../platform/http/health.ts";
import { listenForProbes } from "../platform/http/probe-server.ts";
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { aborted, INTERRUPTED, runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openQueue } from "../queue/open.ts";
import { openSources } from "../sources/open.ts";
import { announceSources } from "./announce.ts";
import { readStreamerProcessConfig } from "./config.ts";
import { logSkips } from "./log-skips.ts";
import { runStreamer } from "./service.ts";

await runProgram("streamer", {
  read: () => readStreamerProcessConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const metrics = createMetrics();
    let problem: string | null = null;
    const health = async () => withOutages({ healthy: true, away: {} }, [{ dependency: "queue", problem }]);
    const sources = openSources(config.streamer.sources, { clock: systemClock });
    // The first log line, because without a shell it is the only way to see the files.
    await announceSources(sources, { log, watch: config.streamer.watch });
    await using queue = await openQueue({ ...config.queue, clock: systemClock });
    await using _probes = await listenForProbes(config.listen, { log, metrics, health });
    const { readings, passes, skipped, failed, unreadable } = await runStreamer(config.streamer, {
      sources,
      queue,
      clock: systemClock,
      log,
      metrics,
      signal,
      onFirstPass: (summary) => logSkips(summary, { log }),
      onState: (state) => {
        problem = state;
      },
    });
    const isDone = !signal.aborted;
    log.info(isDone ? "source ended" : "stopped", { readings, passes, skipped, failed });
    if (failed || unreadable) return 1;
    // Otherwise, a supervisor that restarts every process that exits would start it again and again for nothing.
    if (isDone && config.atEnd === "wait") {
      await aborted(signal);
      return 0;
    }
    return isDone || config.streamer.loop ? 0 : INTERRUPTED;
  },
});
