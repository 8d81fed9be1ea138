/** Explains skipped rows to people: by reason the number, the first rows and how to mend them. */
import type { SkipReason } from "../../sources/port.ts";
import type { SkipExample, StreamerSummary } from "./summary.ts";

export interface SkipReport {
  readonly reason: SkipReason;
  readonly rows: number;
  readonly examples: readonly Omit<SkipExample, "reason">[];
  /** What to change in the file or the configuration, in the imperative. */
  readonly mend: string;
  /** False if the rows hold nothing to store, so that nothing has to be changed. */
  readonly isLoss: boolean;
}

const MEND: Readonly<Record<SkipReason, string>> = {
  syntax: "write the line as the tool does that the file comes from, or export CSV instead",
  fields: "write as many fields in each row as in the header, and quote fields that hold the separator",
  quote: 'quote whole fields, and double the quotes inside them: "a ""b"" c"',
  too_long: "write rows of at most 64 KiB: leave out labels that no query needs",
  encoding: "convert the file to UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD.csv > NEW.csv",
  time: "write times such as 2025-07-18T20:42:34Z; if they look right, set the clock of this machine",
  uuid: "export the label UUID, or Hostname and gpu, with each row",
  other_device: "nothing is wrong with rows of CPUs and switches; leave them out of the export to silence this",
  cardinality:
    "set LABEL_CLASSES=NAME=ignored for the label that is different in each row, or raise MAX_SERIES_PER_METRIC",
  metric: "name the metric in the column metric_name, such as DCGM_FI_DEV_GPU_UTIL",
  labels: 'write labels as name="value", separated by commas',
  control: "remove control characters and marks of text direction from labels",
  value: "write values as numbers with a decimal point and without a unit: 42 or 0.5",
  blank: "nothing is wrong with rows in which DCGM had no measurement; leave them out of the export to silence this",
  not_finite: "leave out values that are NaN or infinite; if all are, check the query that exported them",
  implausible: "check the exporter and the unit: the metric cannot have this value",
  truncated: "run the same command again when the file is complete",
};

const HARMLESS: ReadonlySet<SkipReason> = new Set(["blank", "other_device"]);

/** The most frequent reason comes first. */
export function reportSkips({ skipped, skipExamples }: StreamerSummary): SkipReport[] {
  const reasons = Object.entries(skipped) as [SkipReason, number][];
  return reasons
    .sort(([, a], [, b]) => b - a)
    .map(([reason, rows]) => ({
      reason,
      rows,
      examples: skipExamples
        .filter((example) => example.reason === reason)
        .map(({ source, line, detail }) => ({ source, line, detail })),
      mend: MEND[reason],
      isLoss: !HARMLESS.has(reason),
    }));
}
