/** The summary that an import prints at its end. */
import { printable } from "../../schema/model/printable.ts";
import { formatTimestamp } from "../../schema/model/timestamp.ts";
import type { CollectorSummary } from "../collector/tally.ts";
import type { StreamerSummary } from "../streamer/progress/summary.ts";
import { formatCount, formatSpan } from "./figures.ts";

export interface ImportSummary {
  readonly streamed: StreamerSummary;
  readonly stored: CollectorSummary;
  readonly tookMs: number;
  /** Describes for people where the store is. */
  readonly store: string;
  readonly interrupted: boolean;
}

const line = (name: string, text: string): string => `${name.padEnd(10)} ${text}\n`;
const plural = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Yields the number of skipped rows by reason, then the first rows of each reason, the most frequent reason first. */
function* describeSkips({ skipped, skipExamples }: StreamerSummary): Generator<string> {
  const reasons = Object.entries(skipped).sort(([, a], [, b]) => b - a);
  const rows = reasons.reduce((sum, [, count]) => sum + count, 0);
  yield line("Skipped", `${plural(rows, "row")}${reasons.map(([why, n]) => `, ${formatCount(n)} ${why}`).join("")}`);
  for (const [reason, count] of reasons) {
    const examples = skipExamples.filter((example) => example.reason === reason);
    for (const { source, line: row, detail } of examples) {
      yield line("", printable(`${reason}: ${source} line ${row}: ${detail}`));
    }
    if (count > examples.length) yield line("", `${reason}: ${formatCount(count - examples.length)} more`);
  }
}

function* describe({ streamed, stored, tookMs, store, interrupted }: ImportSummary): Generator<string> {
  const { readings, gpus, metrics, firstAt, lastAt, merged, sources } = streamed;
  const seconds = Math.max(tookMs, 1) / 1000;
  const took = tookMs < 10_000 ? `${seconds.toFixed(1)} s` : formatSpan(tookMs);
  yield line("Read", `${plural(readings, "reading")} in ${took} (${formatCount(readings / seconds)} readings/s)`);
  if (readings > 0) {
    yield line("Of", `${plural(gpus, "GPU")}, ${plural(metrics.length, "metric")}`);
    yield line("Time span", `${formatTimestamp(firstAt ?? 0)} to ${formatTimestamp(lastAt ?? 0)}`);
  }
  const duplicates = stored.duplicateReadings + merged.same + merged.differing;
  const differing = merged.differing > 0 ? `, ${formatCount(merged.differing)} of them with another value` : "";
  yield line("Stored", `${plural(stored.readings, "new reading")}, ${plural(duplicates, "duplicate")}${differing}`);
  if (stored.tooOld > 0) yield line("Too old", `${plural(stored.tooOld, "reading")}, older than RETENTION`);
  yield* describeSkips(streamed);
  for (const { name, problem } of sources) if (problem !== null) yield line("Failed", printable(`${name}: ${problem}`));
  if (streamed.alreadyComplete) yield line("Unchanged", "everything was read in an earlier run");
  yield line("Store", store);
  if (interrupted) yield "Interrupted: the same command continues from here.\n";
}

export const describeImport = (summary: ImportSummary): string => [...describe(summary)].join("");
