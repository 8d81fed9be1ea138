/** Writes readings as rows of the API's export: all that a source said of them, so that ingest loses nothing. */
import type { Gpu } from "../model/gpu.ts";
import type { HolderSet } from "../model/holder.ts";
import type { Reading, Series } from "../model/reading.ts";
import { seriesLabels } from "../model/series.ts";
import { cellsOf, type HolderCells } from "./holder-cells.ts";
import { parseLabels } from "./labels.ts";

/** A reading, who held its GPU, and where that was. */
export interface PlacedReading extends Reading {
  readonly holders: HolderSet;
  readonly host: string;
  readonly index: string;
}

/** The cells of a row. Text is empty where a reading has none. */
export interface ExportRow {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly metric: string;
  readonly uuid: string;
  readonly instance: string;
  readonly host: string;
  readonly index: string;
  readonly model: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly value: number;
  /** Further labels in Prometheus notation: `device="nvidia0",xid="79"`. */
  readonly labels: string;
}

interface SeriesParts {
  readonly metric: string;
  readonly instance: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
}

/** Labels that have cells of their own. A series that is measured per holder has those of its holder. */
const IN_CELLS: ReadonlySet<string> = new Set(["GPU_I_ID", "namespace", "pod", "container", "pod_uid", "hpc_job"]);

function partsOf(series: Series): SeriesParts {
  const brace = series.indexOf("{");
  if (brace === -1) return { metric: series, instance: "", labels: [] };
  const parsed = parseLabels(series.slice(brace + 1, -1));
  const labels = parsed.ok ? parsed.value : new Map<string, string>();
  return {
    metric: series.slice(0, brace),
    instance: labels.get("GPU_I_ID") ?? "",
    labels: [...labels].filter(([name]) => !IN_CELLS.has(name)),
  };
}

/** Returns a function that makes the rows of one GPU. Remembers what the rows of a series have in common. */
export function createExportRows(gpu: Gpu): (reading: PlacedReading) => ExportRow {
  const profiles = new Map(gpu.instances.map(({ id, profile }) => [id, profile ?? ""]));
  const own = parseLabels(gpu.labels ?? "");
  const facts: readonly (readonly [name: string, value: string])[] = [
    ...(own.ok ? own.value : []),
    ["device", gpu.device],
    ["pci_bus_id", gpu.pciBusId ?? ""],
    ["DCGM_FI_DRIVER_VERSION", gpu.driver ?? ""],
  ];
  const partsOfSeries = new Map<Series, SeriesParts>();
  const last = new Map<Series, { readonly holders: HolderSet; readonly cells: HolderCells; readonly text: string }>();

  const textOf = ({ instance, labels }: SeriesParts, { podUid, job }: HolderCells): string => {
    const profile = profiles.get(instance) ?? "";
    const all = new Map([...facts, ["GPU_I_PROFILE", profile] as const, ...labels]);
    all.set("pod_uid", podUid).set("hpc_job", job);
    // As labels of a series, so that both are written the same way. Empty ones are left out.
    return seriesLabels(all).slice(1, -1);
  };

  return ({ series, at, value, holders, host, index }) => {
    const parts = partsOfSeries.get(series) ?? partsOf(series);
    partsOfSeries.set(series, parts);
    let before = last.get(series);
    if (before?.holders !== holders) {
      const cells = cellsOf(holders);
      before = { holders, cells, text: textOf(parts, cells) };
      last.set(series, before);
    }
    const { metric, instance } = parts;
    const { text, cells } = before;
    const { namespace, pod, container } = cells;
    const { uuid, model } = gpu;
    return { at, metric, uuid, instance, host, index, model, namespace, pod, container, value, labels: text };
  };
}
