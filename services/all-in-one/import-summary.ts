/** The summary that an import prints at its end: as text for people, or as JSON. */
import { printable } from "../../schema/model/printable.ts";
import { formatTimestamp } from "../../schema/model/timestamp.ts";
import type { CollectorSummary } from "../collector/tally.ts";
import { reportSkips, type SkipReport } from "../streamer/progress/skip-reports.ts";
import type { StreamerSummary } from "../streamer/progress/summary.ts";
import { formatCount, formatSpan } from "./figures.ts";

export interface ImportSummary {
  readonly streamed: StreamerSummary;
  /** Null: it was a dry run, which stores nothing. */
  readonly stored: Pick<CollectorSummary, "readings" | "duplicateReadings" | "tooOld"> | null;
  readonly tookMs: number;
  /** Describes for people where the store is. */
  readonly store: string;
  readonly interrupted: boolean;
}

const line = (name: string, text: string): string => `${name.padEnd(10)} ${text}\n`;
const plural = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

const rowsOf = (reports: readonly SkipReport[]): number => reports.reduce((sum, { rows }) => sum + rows, 0);

/** Yields the number of skipped rows by reason, then for each reason its first rows and how to mend them. */
function* describeSkips(reports: readonly SkipReport[]): Generator<string> {
  const counts = reports.map(({ reason, rows }) => `, ${formatCount(rows)} ${reason}`).join("");
  yield line("Skipped", `${plural(rowsOf(reports), "row")}${counts}`);
  for (const { reason, rows, examples, mend } of reports) {
    for (const { source, line: row, detail } of examples) {
      yield line("", printable(`${reason}: ${source} line ${row}: ${detail}`));
    }
    if (rows > examples.length) yield line("", `${reason}: ${formatCount(rows - examples.length)} more`);
    yield line("", `${reason}: to mend: ${mend}`);
  }
}

function* describeDiffering({ differingExamples }: StreamerSummary): Generator<string> {
  for (const [index, { gpu, series, at, values }] of differingExamples.entries()) {
    const text = `${series} of ${gpu} at ${formatTimestamp(at)}: ${values.join(" and ")}`;
    yield line(index === 0 ? "Differing" : "", printable(text));
  }
}

function describeRead({ streamed, tookMs }: ImportSummary, reports: readonly SkipReport[]): string {
  const { readings, unreadable } = streamed;
  if (unreadable) return `0 readings: none of ${plural(rowsOf(reports), "row")} could be read`;
  const seconds = Math.max(tookMs, 1) / 1000;
  const took = tookMs < 10_000 ? `${seconds.toFixed(1)} s` : formatSpan(tookMs);
  return `${plural(readings, "reading")} in ${took} (${formatCount(readings / seconds)} readings/s)`;
}

function* describeStored({ streamed, stored }: ImportSummary): Generator<string> {
  const { same, differing } = streamed.merged;
  const differ = differing > 0 ? `, ${formatCount(differing)} of them with another value` : "";
  if (stored === null) {
    yield line(
      "Stored",
      `nothing, this was a dry run; the files hold ${plural(same + differing, "duplicate")}${differ}`,
    );
    return;
  }
  const duplicates = stored.duplicateReadings + same + differing;
  yield line("Stored", `${plural(stored.readings, "new reading")}, ${plural(duplicates, "duplicate")}${differ}`);
  if (stored.tooOld > 0) yield line("Too old", `${plural(stored.tooOld, "reading")}, older than RETENTION`);
}

function* describe(summary: ImportSummary): Generator<string> {
  const { streamed, store, interrupted } = summary;
  const { readings, gpus, metrics, firstAt, lastAt, sources } = streamed;
  const reports = reportSkips(streamed);
  yield line("Read", describeRead(summary, reports));
  if (readings > 0) {
    yield line("Of", `${plural(gpus, "GPU")}, ${plural(metrics.length, "metric")}`);
    yield line("Time span", `${formatTimestamp(firstAt ?? 0)} to ${formatTimestamp(lastAt ?? 0)}`);
  }
  yield* describeStored(summary);
  yield* describeDiffering(streamed);
  yield* describeSkips(reports);
  for (const { name, problem } of sources) if (problem !== null) yield line("Failed", printable(`${name}: ${problem}`));
  if (streamed.alreadyComplete) yield line("Unchanged", "everything was read in an earlier run");
  yield line("Store", store);
  if (interrupted) yield "Interrupted: the same command continues from here.\n";
}

export const describeImport = (summary: ImportSummary): string => [...describe(summary)].join("");

const timeOf = (at: number | null): string | null => (at === null ? null : formatTimestamp(at));

/**
 * Returns one JSON object on one line. Its fields:
 * - `readings`, `gpus`, `metrics`, `from`, `to`: what was read
 * - `stored`: `new` and `duplicate` readings, and those that are `tooOld`; null after a dry run
 * - `differing`: `readings` merged with another value, and the earliest of up to three series as `first`
 * - `skipped`: for each reason `rows`, the first of them as `examples`, and how to `mend` them
 * - `sources`: `name`, `bytes`, and `problem` or null
 * - `unreadable`, `unchanged`, `interrupted`: true or false
 * - `store`, `tookMs`
 */
export function importAsJson({ streamed, stored, tookMs, store, interrupted }: ImportSummary): string {
  const { readings, gpus, metrics, firstAt, lastAt, merged, differingExamples, unreadable, sources } = streamed;
  const duplicates = (stored?.duplicateReadings ?? 0) + merged.same + merged.differing;
  return `${JSON.stringify({
    readings,
    gpus,
    metrics,
    from: timeOf(firstAt),
    to: timeOf(lastAt),
    stored: stored && { new: stored.readings, duplicate: duplicates, tooOld: stored.tooOld },
    differing: {
      readings: merged.differing,
      first: differingExamples.map(({ at, ...rows }) => ({ ...rows, at: formatTimestamp(at) })),
    },
    skipped: reportSkips(streamed).map(({ isLoss: _, ...report }) => report),
    sources: sources.map(({ name, bytes, problem }) => ({ name, bytes, problem })),
    unreadable,
    unchanged: streamed.alreadyComplete,
    interrupted,
    store,
    tookMs,
  })}\n`;
}
