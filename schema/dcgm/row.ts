/** Parses the header and the rows of DCGM's CSV exports. */
import { type GpuFacts, parseGpuUuid } from "../model/gpu.ts";
import type { HolderSet } from "../model/holder.ts";
import { canonicalMetric } from "../model/metric.ts";
import { isPrintable } from "../model/printable.ts";
import type { Series } from "../model/reading.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { seriesOf } from "../model/series.ts";
import { shown } from "../model/shown.ts";
import { parseTimestamp } from "../model/timestamp.ts";
import { parseLabels } from "./labels.ts";
import { holdersOfRow } from "./row-holders.ts";
import type { ValueFault } from "./value.ts";

/** The usual header. Files may reorder, omit and add columns. */
export const DCGM_HEADER =
  "timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,container,pod,namespace,value,labels_raw";

/** Accepted names of each column, the preferred one first. `row-holders.ts` decides between plain and `exported_…`. */
const COLUMN_NAMES = {
  timestamp: ["timestamp"],
  metric: ["metric_name", "__name__"],
  index: ["gpu_id", "gpu"],
  device: ["device"],
  uuid: ["uuid", "UUID", "gpu_uuid"],
  model: ["modelName", "model_name"],
  host: ["Hostname", "hostname"],
  container: ["container"],
  pod: ["pod"],
  namespace: ["namespace"],
  exportedContainer: ["exported_container"],
  exportedPod: ["exported_pod"],
  exportedNamespace: ["exported_namespace"],
  value: ["value"],
  labels: ["labels_raw"],
} as const satisfies Record<string, readonly string[]>;
type ColumnName = keyof typeof COLUMN_NAMES;

const REQUIRED: readonly ColumnName[] = ["timestamp", "metric", "uuid", "host", "value"];

/** The index of each column, from 0; -1 if the file does not have it. */
export type DcgmColumns = Readonly<Record<ColumnName, number>> & { readonly names: readonly string[] };

/** Finds the columns by name, in any order. The error names a column that is missing or appears twice. */
export function parseDcgmHeader(names: readonly string[]): Result<DcgmColumns> {
  const columns = { names } as Record<ColumnName, number> & { names: readonly string[] };
  for (const [column, accepted] of Object.entries(COLUMN_NAMES) as [ColumnName, readonly string[]][]) {
    const name = accepted.find((candidate) => names.includes(candidate));
    if (name === undefined) {
      if (REQUIRED.includes(column)) return fail(`column ${accepted.join(" or ")} is missing`);
      columns[column] = -1;
    } else {
      columns[column] = names.indexOf(name);
      if (names.lastIndexOf(name) !== columns[column]) return fail(`column ${name} appears twice`);
    }
  }
  return ok(columns);
}

/** Why a row gives no reading. `detail` is for the operator: name, accepted values, and the given one. */
export interface RowFault {
  readonly reason: "fields" | "uuid" | "metric" | "labels" | "control" | "time" | ValueFault["reason"];
  readonly detail: string;
}

/** The facts, the series and the holders, which all rows of one GPU, series and attribution have in common. */
export interface RowIdentity {
  readonly facts: GpuFacts;
  readonly series: Series;
  readonly holders: HolderSet;
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** Names the first of the values with an unprintable character; undefined if there is none. */
function unprintableIn(values: Iterable<readonly [name: string, value: string | null]>): RowFault | undefined {
  for (const [name, value] of values) {
    if (value === null || isPrintable(value)) continue;
    const accepted = "have no control characters and no marks of text direction";
    return { reason: "control", detail: `${name} must ${accepted}, got ${shown(value)}` };
  }
  return undefined;
}

/**
 * Returns the facts and the series of a row. A column takes precedence over a label of the same meaning, but not over
 * an `exported_…` label. Aliases of metrics become canonical names.
 */
export function parseRowIdentity(columns: DcgmColumns, fields: readonly string[]): Result<RowIdentity, RowFault> {
  if (fields.length !== columns.names.length) {
    return fail({
      reason: "fields",
      detail: `row must have ${columns.names.length} fields, as the header has, got ${fields.length}`,
    });
  }
  const labels = parseLabels(fields[columns.labels] ?? "");
  if (!labels.ok) return fail({ reason: "labels", detail: labels.error });
  const label = (name: string) => labels.value.get(name) || undefined;
  const field = (column: ColumnName) => fields[columns[column]] || undefined;
  const uuid = parseGpuUuid(field("uuid") ?? label("UUID") ?? label("gpu_uuid") ?? "");
  if (!uuid.ok) return fail({ reason: "uuid", detail: uuid.error });
  const metric = fields[columns.metric] ?? "";
  if (!METRIC_NAME.test(metric)) {
    return fail({
      reason: "metric",
      detail: `metric name must be a name such as DCGM_FI_DEV_GPU_UTIL, got ${shown(metric)}`,
    });
  }
  const either = (column: ColumnName, name: string) => field(column) ?? label(name) ?? null;
  const facts: GpuFacts = {
    uuid: uuid.value,
    index: field("index") ?? label("gpu") ?? "",
    device: field("device") ?? label("device") ?? "",
    model: field("model") ?? label("modelName") ?? label("model_name") ?? "",
    host: field("host") ?? label("Hostname") ?? label("hostname") ?? "",
    driver: label("DCGM_FI_DRIVER_VERSION") ?? null,
    instance: label("GPU_I_ID") ?? null,
    profile: label("GPU_I_PROFILE") ?? null,
    pciBusId: label("pci_bus_id") ?? null,
    labels: null,
  };
  const exported = {
    namespace: either("exportedNamespace", "exported_namespace"),
    pod: either("exportedPod", "exported_pod"),
    container: either("exportedContainer", "exported_container"),
  };
  // An empty column says more than a label: the label may be the exporter's.
  const own = (name: "namespace" | "pod" | "container") => (columns[name] === -1 ? label(name) : field(name)) ?? null;
  const plain = { namespace: own("namespace"), pod: own("pod"), container: own("container") };
  const unprintable =
    unprintableIn(Object.entries(facts)) ??
    unprintableIn(Object.entries(exported)) ??
    unprintableIn(Object.entries(plain)) ??
    unprintableIn(labels.value);
  if (unprintable !== undefined) return fail(unprintable);
  const names = { exported, plain, podUid: label("pod_uid") ?? null, job: label("hpc_job") ?? null };
  return ok({ facts, series: seriesOf(canonicalMetric(metric), labels.value), holders: holdersOfRow(names) });
}

/** DCGM did not exist before 2000, so an earlier time comes from a clock that was never set. */
const FIRST_TIME = Date.UTC(2000);
const MAX_AHEAD_MS = 86_400_000;

/** The last accepted time of a row: one day ahead of the clock. */
export const lastRowTime = (now: number): number => now + MAX_AHEAD_MS;

export const isRowTime = (at: number, last: number): boolean => at >= FIRST_TIME && at <= last;

/** Returns whole milliseconds since the epoch, rounded down. A time before 2000 or after `last` is a fault. */
export function parseRowTime(text: string, last: number): Result<number, RowFault> {
  const time = parseTimestamp(text);
  if (!time.ok) return fail({ reason: "time", detail: `timestamp ${time.error}` });
  const at = Math.floor(time.value);
  if (isRowTime(at, last)) return ok(at);
  return fail({
    reason: "time",
    detail: `timestamp must be between 2000-01-01 and one day ahead of the clock, got ${shown(text)}`,
  });
}
