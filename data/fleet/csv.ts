/** Writes the fleet's readings as CSV: a flattened Prometheus query, in one of three layouts. */
import { formatTimestamp } from "../../schema/model/timestamp.ts";
import { exporterLabels, type Labels, scrapedLabels, targetAt } from "./labels.ts";
import { Lookback, type Printed } from "./lookback.ts";
import { METRICS } from "./metrics.ts";
import { type FleetOptions, type Layout, ticksOf } from "./options.ts";
import { Exporters } from "./readings.ts";
import type { FleetState } from "./state.ts";

const CHUNK_CHARACTERS = 1 << 20;

/** Columns of the layout `one-column-per-label` between `timestamp` and `value`. A label that a row lacks is empty. */
const LABEL_COLUMNS = [
  "DCGM_FI_DRIVER_VERSION",
  "GPU_I_ID",
  "GPU_I_PROFILE",
  "Hostname",
  "UUID",
  "__name__",
  "cluster",
  "container",
  "container_name",
  "device",
  "endpoint",
  "err_code",
  "err_msg",
  "exported_container",
  "exported_namespace",
  "exported_pod",
  "gpu",
  "hostname",
  "hpc_job",
  "instance",
  "job",
  "modelName",
  "namespace",
  "node",
  "pci_bus_id",
  "pod",
  "pod_name",
  "pod_namespace",
  "pod_uid",
  "service",
  "uuid",
  "vgpu",
  "window_size_in_ms",
  "xid",
] as const;

/** Columns of dcgm-exporter exports, and the labels that fill them: the first that a row has. */
const FIXED_COLUMNS: readonly (readonly [column: string, ...labels: string[]])[] = [
  ["gpu_id", "gpu"],
  ["device", "device"],
  ["uuid", "UUID", "uuid"],
  ["modelName", "modelName"],
  ["Hostname", "Hostname", "hostname"],
  ["container", "container", "container_name"],
  ["pod", "pod", "pod_name"],
  ["namespace", "namespace", "pod_namespace"],
];

const HEADERS: Readonly<Record<Layout, string>> = {
  columns: `timestamp,metric_name,${FIXED_COLUMNS.map(([column]) => column).join(",")},value,labels_raw\n`,
  labels_raw: "timestamp,metric_name,value,labels_raw\n",
  "one-column-per-label": `timestamp,${LABEL_COLUMNS.join(",")},value\n`,
};

const METRIC = "\u0000";
const VALUE = "\u0001";
// biome-ignore lint/suspicious/noControlCharactersInRegex: the marks are control characters, which no label has
const MARKS = /[\u0000\u0001]/;

const rawLabels = (labels: Labels): string =>
  [...labels, ["__name__", METRIC] as const]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=""${value}""`)
    .join(",");

/** Returns a row without its time, with the two marks above in place of the metric's name and the value. */
function formatRow(layout: Layout, labels: Labels): string {
  const byName = new Map(labels);
  switch (layout) {
    case "columns": {
      const columns = FIXED_COLUMNS.map(([, ...names]) => names.map((name) => byName.get(name)).find(Boolean) ?? "");
      return `"${METRIC}","${columns.join('","')}","${VALUE}","${rawLabels(labels)}"\n`;
    }
    case "labels_raw":
      return `"${METRIC}","${VALUE}","${rawLabels(labels)}"\n`;
    case "one-column-per-label": {
      byName.set("__name__", METRIC);
      return `"${LABEL_COLUMNS.map((name) => byName.get(name) ?? "").join('","')}","${VALUE}"\n`;
    }
    default:
      return layout satisfies never;
  }
}

/** About as many devices as a fleet of 10,000 shared GPUs has. Each takes a kilobyte. */
const MAX_KNOWN_ROWS = 1 << 16;

/** Formats rows. Rows of one device with the same holder share their text. */
class RowFormat {
  readonly #state: FleetState;
  readonly #layout: Layout;
  readonly #known = new Map<string, readonly string[]>();

  constructor(state: FleetState, layout: Layout) {
    this.#state = state;
    this.#layout = layout;
  }

  /** The row behind its time. */
  row({ target, reading }: Printed): string {
    const { metric, slot, card, instance, holding, xid } = reading;
    const kind = metric.scope === "xids" ? "counted" : "";
    const key = [
      slot.host,
      slot.index,
      card,
      instance?.id,
      holding?.run.key,
      holding?.vgpu,
      kind,
      xid,
      target.pod,
    ].join();
    let pieces = this.#known.get(key);
    if (pieces === undefined) {
      const labels = scrapedLabels(this.#state, target, exporterLabels(this.#state, target, reading));
      pieces = formatRow(this.#layout, labels).split(MARKS);
      if (this.#known.size >= MAX_KNOWN_ROWS) this.#known.clear();
      this.#known.set(key, pieces);
    }
    const [first, second, third, last] = pieces;
    const row = first + metric.name + second + reading.value + third;
    return last === undefined ? row : row + metric.name + last;
  }
}

/** Yields the CSV file in ASCII pieces of about a megabyte: by tick, then by metric, then by GPU. */
export function* fleetCsv(options: FleetOptions, layout: Layout): Generator<string, void, void> {
  const exporters = new Exporters(options);
  const { state } = exporters;
  const lookbacks = state.hosts.map(() => new Lookback(options.lookbackMs));
  const format = new RowFormat(state, layout);
  let text = HEADERS[layout];
  for (let tick = 0; tick < ticksOf(options); tick++) {
    const atMs = tick * options.intervalMs;
    const rows = state.hosts.map((host, place) => {
      const target = targetAt(state, host, atMs);
      return lookbacks[place]!.add(atMs, target, exporters.readings(host, tick));
    });
    const opening = `"${formatTimestamp(options.startMs + atMs)}",`;
    for (const metric of METRICS) {
      for (const printed of rows) {
        for (const row of printed.get(metric) ?? []) {
          text += opening + format.row(row);
          if (text.length >= CHUNK_CHARACTERS) {
            yield text;
            text = "";
          }
        }
      }
    }
  }
  yield text;
}
