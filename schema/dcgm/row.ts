/** Parses the rows of DCGM's CSV exports. */
import type { GpuFacts } from "../model/gpu.ts";
import { type HolderSet, holderSetOf } from "../model/holder.ts";
import { isDeviceMetric } from "../model/metric.ts";
import { isPrintable } from "../model/printable.ts";
import type { Series } from "../model/reading.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { type SeriesLabels, seriesLabels } from "../model/series.ts";
import { shown } from "../model/shown.ts";
import type { DcgmColumns } from "./columns.ts";
import { type DeviceFault, deviceOfRow } from "./device.ts";
import { holderLabels, holderOfRow, holdersNamed } from "./holder.ts";
import { holdersInCells } from "./holder-cells.ts";
import { hostOfRow } from "./host.ts";
import type { LabelRules } from "./label-rules.ts";
import type { RowLabels } from "./row-labels.ts";
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

/** What the labels of a row say, whatever its metric is called. */
export interface RowMeaning extends Omit<RowIdentity, "series"> {
  readonly seriesLabels: SeriesLabels;
}

/**
 * Returns the facts, the labels of the series and the holders that the labels of a row name.
 * @param columns of the row's file: in an export of the API, cells hold several holders
 */
export function meaningOf(
  labels: RowLabels,
  metric: string,
  columns: Pick<DcgmColumns, "isExport">,
): Result<RowMeaning, RowFault> {
  const host = hostOfRow(labels);
  const device = deviceOfRow(labels, metric, host);
  if (!device.ok) return device;
  const unprintable = labels.find(isPrintable);
  if (unprintable !== undefined) return fail(describeUnprintable(unprintable));
  const named = holderOfRow(labels);
  const holders = named !== null && columns.isExport ? holdersInCells(named) : [named];
  const [holder = null] = holders;
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
  const distinguishing = new Map([
    ...(isDeviceMetric(metric) ? [] : holderLabels(labels, holder)),
    ...labels.of("series"),
  ]);
  if (device.value.instance !== undefined) distinguishing.set("GPU_I_ID", device.value.instance);
  const seriesOfRow = seriesLabels(distinguishing);
  return ok({ facts, seriesLabels: seriesOfRow, holders: holderSetOf(holders.flatMap(holdersNamed)) });
}

function describeUnprintable([name, value]: readonly [string, string]): RowFault {
  const accepted = "have no control characters and no marks of text direction";
  return { reason: "control", detail: `${name} must ${accepted}, got ${shown(value)}` };
}
