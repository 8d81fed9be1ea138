/** The streamer as a process: files → queue-service. It ends by itself when LOOP_MODE is false, unless AT_END is wait. */

import { listenForProbes } from "../platform/http/probe-server.ts";
import { Troubles } from "../platform/http/troubles.ts";
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { aborted, INTERRUPTED, runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openQueue } from "../queue/open.ts";
import { announceFiles } from "../sources/files/found-files.ts";
import { readStreamerProcessConfig } from "./config.ts";
import { runStreamer } from "./service.ts";

await runProgram("streamer", {
  read: () => readStreamerProcessConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const metrics = createMetrics();
    const troubles = new Troubles();
    // Before anything else is said: it is what people look for where there is no shell.
    await announceFiles(config.streamer.csvPaths, { log });
    await using queue = await openQueue({ ...config.queue, clock: systemClock });
    await using _probes = await listenForProbes(config.listen, { log, metrics, health: async () => troubles.health });
    const { readings, passes, skipped, failed } = await runStreamer(config.streamer, {
      queue,
      clock: systemClock,
      log,
      metrics,
      signal,
      onState: troubles.of("queue"),
    });
    const isDone = !signal.aborted;
    log.info(isDone ? "source ended" : "stopped", { readings, passes, skipped, failed });
    if (failed) return 1;
    // Where whatever ends is started again, to find nothing new.
    if (isDone && config.atEnd === "wait") {
      await aborted(signal);
      return 0;
    }
    return isDone || config.streamer.loop ? 0 : INTERRUPTED;
  },
});
