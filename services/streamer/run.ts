/** The parts that all sources of one run share. */
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ProducerQueue } from "../queue/port.ts";
import type { Sources } from "../sources/port.ts";
import type { StreamerConfig } from "./config.ts";
import type { LiveTimes } from "./cut/live-times.ts";
import type { LabelNotices } from "./progress/label-notices.ts";
import type { Progress } from "./progress/progress.ts";
import type { SkippedRows } from "./progress/skipped-rows.ts";
import type { Tally } from "./progress/summary.ts";
import type { QueueCalls } from "./send/queue-calls.ts";
import type { RecentPositions } from "./send/recent-positions.ts";

export interface Run {
  readonly config: StreamerConfig;
  readonly sources: Sources;
  readonly queue: ProducerQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly queueCalls: QueueCalls;
  readonly tally: Tally;
  readonly recent: RecentPositions;
  readonly skipped: SkippedRows;
  readonly labelNotices: LabelNotices;
  /** Gives readings new times; null if they keep the times of the source. */
  readonly liveTimes: LiveTimes | null;
  readonly progress: Progress;
  /** Called once, at the end of the first pass or when the signal aborts in it. */
  readonly onFirstPass: () => void;
  /** Called when the totals have grown. */
  readonly onTotals: () => void;
}
