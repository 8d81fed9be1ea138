/** Parses the header of DCGM's CSV exports: which column holds what. */
import { fail, ok, type Result } from "../model/result.ts";
import { LABEL_TABLE } from "./label-classes.ts";

/** The usual header. Files may reorder, omit and add columns. */
export const DCGM_HEADER =
  "timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,container,pod,namespace,value,labels_raw";

/** Accepted names of the columns that are no labels, in any case, the preferred one first. */
const COLUMN_NAMES = {
  timestamp: ["timestamp", "time"],
  metric: ["metric_name", "__name__", "metric"],
  value: ["value"],
  labels: ["labels_raw"],
} as const satisfies Record<string, readonly string[]>;
type ColumnName = keyof typeof COLUMN_NAMES;

const REQUIRED: readonly ColumnName[] = ["timestamp", "metric", "value"];
/** Columns of which one must exist, so that rows can name their GPU. */
const DEVICE_COLUMNS: readonly string[] = ["uuid", "UUID", "gpu_uuid", "gpuuuid", "gpu_id", "gpu", "labels_raw"];

/** The columns of the API's export of readings, `GET /api/v1/telemetry`. Its rows name several holders in one cell. */
export const EXPORT_COLUMNS = [
  "timestamp",
  "metric_name",
  "uuid",
  "GPU_I_ID",
  "hostname",
  "gpu_id",
  "modelName",
  "namespace",
  "pod",
  "container",
  "value",
  "labels",
] as const;

/** A name that Prometheus accepts for a label. */
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The index of each column, from 0; -1 if the file does not have it. */
export type DcgmColumns = Readonly<Record<ColumnName, number>> & {
  readonly names: readonly string[];
  /** Whether these are the columns of the API's export. */
  readonly isExport: boolean;
  readonly labelColumns: readonly LabelColumn[];
};

/** A column that holds the label of this name. */
export type LabelColumn = readonly [name: string, column: number];

const LABELS_BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  LABEL_TABLE.toReversed().map(({ glob }) => [glob.toLowerCase(), glob]),
);

/** Returns the label of the table that a column names in another case, otherwise the name itself. */
export function labelNamed(name: string): string {
  if (LABEL_TABLE.some(({ glob }) => glob === name)) return name;
  return LABELS_BY_LOWER_CASE.get(name.toLowerCase()) ?? name;
}

/** A header inside a file has no more columns. */
const MAX_COLUMNS = 1000;

/** False for most rows: cheap to ask in front of `parseDcgmHeader()`. */
export const mayBeDcgmHeader = (fields: readonly string[]): boolean =>
  fields.length <= MAX_COLUMNS &&
  fields.some((field) => COLUMN_NAMES.timestamp.some((name) => name === field.toLowerCase()));

/**
 * Finds the columns by name, in any order. Every other column with the name of a label is a label. The error names a
 * column that is missing or appears twice.
 */
export function parseDcgmHeader(names: readonly string[]): Result<DcgmColumns> {
  const isExport = names.join() === EXPORT_COLUMNS.join();
  const columns = { timestamp: -1, metric: -1, value: -1, labels: isExport ? names.indexOf("labels") : -1 };
  const lower = names.map((name) => name.toLowerCase());
  for (const [column, accepted] of Object.entries(COLUMN_NAMES) as [ColumnName, readonly string[]][]) {
    const name = accepted.find((candidate) => lower.includes(candidate));
    if (name !== undefined) columns[column] = lower.indexOf(name);
    else if (REQUIRED.includes(column)) return fail(`column ${accepted.join(" or ")} is missing`);
  }
  const labels = names.map(labelNamed);
  if (!labels.some((name) => DEVICE_COLUMNS.includes(name))) {
    return fail(`column ${DEVICE_COLUMNS.join(" or ")} is missing`);
  }
  const known = new Set<string>([...Object.values(COLUMN_NAMES).flat(), ...LABEL_TABLE.map(({ glob }) => glob)]);
  const repeated = names.find((name, index) => known.has(name) && names.indexOf(name) !== index);
  if (repeated !== undefined) return fail(`column ${repeated} appears twice`);
  const taken: readonly number[] = Object.values(columns);
  const labelColumns = labels.flatMap((name, column) =>
    LABEL_NAME.test(name) && !taken.includes(column) ? [[name, column] as const] : [],
  );
  return ok({ ...columns, names, isExport, labelColumns });
}

/** Returns the labels that a row has in columns; of a repeated column, the first that is not empty. */
export function labelsInColumns(columns: readonly LabelColumn[], fields: readonly string[]): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [name, column] of columns) {
    const value = fields[column];
    if (value && !labels.has(name)) labels.set(name, value);
  }
  return labels;
}
