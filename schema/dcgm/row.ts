/** Parses the rows of DCGM's CSV exports. */
import type { GpuFacts } from "../model/gpu.ts";
import { type HolderSet, holderSetOf } from "../model/holder.ts";
import { canonicalMetric, isDeviceMetric } from "../model/metric.ts";
import { isPrintable } from "../model/printable.ts";
import type { Series } from "../model/reading.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { seriesOf } from "../model/series.ts";
import { shown } from "../model/shown.ts";
import { type DcgmColumns, labelsInColumns } from "./columns.ts";
import { type DeviceFault, deviceOfRow } from "./device.ts";
import { holderLabels, holderOfRow, holdersNamed } from "./holder.ts";
import { hostOfRow } from "./host.ts";
import type { LabelRules } from "./label-rules.ts";
import { parseLabels } from "./labels.ts";
import { RowLabels } from "./row-labels.ts";
import type { TimeFault } from "./time.ts";
import type { ValueFault } from "./value.ts";

/** What the rows of a file have in common: where it has which label, and what labels mean. */
export interface RowLayout {
  readonly columns: DcgmColumns;
  readonly rules: LabelRules;
}

/** Why a row gives no reading. `detail` is for the operator: name, accepted values, and the given one. */
export interface RowFault {
  readonly reason:
    | "fields"
    | "metric"
    | "labels"
    | "control"
    | TimeFault["reason"]
    | DeviceFault["reason"]
    | ValueFault["reason"];
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
function unprintableIn(values: Iterable<readonly [name: string, value: string]>): RowFault | undefined {
  for (const [name, value] of values) {
    if (isPrintable(value)) continue;
    const accepted = "have no control characters and no marks of text direction";
    return { reason: "control", detail: `${name} must ${accepted}, got ${shown(value)}` };
  }
  return undefined;
}

/**
 * Returns the facts, the series and the holders of a row. `labels_raw` and columns are the same to it; of a label in
 * both places, the column's value counts unless it is empty. Aliases of metrics become canonical names.
 */
export function parseRowIdentity(
  { columns, rules }: RowLayout,
  fields: readonly string[],
): Result<RowIdentity, RowFault> {
  if (fields.length !== columns.names.length) {
    return fail({
      reason: "fields",
      detail: `row must have ${columns.names.length} fields, as the header has, got ${fields.length}`,
    });
  }
  const raw = parseLabels(fields[columns.labels] ?? "");
  if (!raw.ok) return fail({ reason: "labels", detail: raw.error });
  const metric = canonicalMetric(fields[columns.metric] ?? "");
  const labels = new RowLabels({ columns: labelsInColumns(columns, fields), raw: raw.value }, rules, metric);
  const host = hostOfRow(labels);
  const device = deviceOfRow(labels, metric, host);
  if (!device.ok) return device;
  if (!METRIC_NAME.test(metric)) {
    return fail({
      reason: "metric",
      detail: `metric name must be a name such as DCGM_FI_DEV_GPU_UTIL, got ${shown(metric)}`,
    });
  }
  const holder = holderOfRow(labels);
  const facts: GpuFacts = {
    uuid: device.value.uuid,
    index: labels.first("device", "gpu_id", "gpu") ?? "",
    device: labels.first("fact", "device") ?? "",
    model: labels.first("fact", "modelName", "model_name") ?? "",
    // Where nothing names the node, the name of the exporter's pod at least keeps its GPUs together.
    host: host ?? labels.first("fact", "Hostname", "hostname") ?? "",
    driver: labels.first("fact", "DCGM_FI_DRIVER_VERSION") ?? null,
    instance: device.value.instance ?? null,
    profile: labels.first("fact", "GPU_I_PROFILE") ?? null,
    pciBusId: labels.first("fact", "pci_bus_id") ?? null,
    labels: null,
  };
  const unprintable = unprintableIn(labels.all());
  if (unprintable !== undefined) return fail(unprintable);
  const distinguishing = new Map([
    ...(isDeviceMetric(metric) ? [] : holderLabels(labels, holder)),
    ...labels.of("series"),
  ]);
  if (device.value.instance !== undefined) distinguishing.set("GPU_I_ID", device.value.instance);
  return ok({ facts, series: seriesOf(metric, distinguishing), holders: holderSetOf(holdersNamed(holder)) });
}
