/** The streamer in a thread of its own, with the queue over a MessagePort. */
import type { StreamerConfig } from "./config.ts";
import type { StreamerOptions } from "./service.ts";
import type { StreamerSummary } from "./summary.ts";

export type StreamerThreadOptions = Omit<StreamerOptions, "clock">;

/** Like `runStreamer`; a thread that ends before its time rejects with AppError `internal`. */
export async function startStreamerThread(
  _config: StreamerConfig,
  _options: StreamerThreadOptions,
): Promise<StreamerSummary> {
  throw new Error("not implemented");
}
