/** Options of the simulated fleet, their defaults and bounds. */

/** How a Prometheus server attaches the scrape target's own labels. */
export const SCRAPES = ["none", "honor", "rename", "mixed"] as const;
export const LAYOUTS = ["columns", "labels_raw", "one-column-per-label"] as const;
/** Labels that fleets are known to drop. `UUID` stands for `uuid`, too. */
export const DROPPABLE = ["UUID", "pci_bus_id", "modelName", "device", "DCGM_FI_DRIVER_VERSION"] as const;

export type Scrape = (typeof SCRAPES)[number];
export type Layout = (typeof LAYOUTS)[number];
export type DroppableLabel = (typeof DROPPABLE)[number];

export interface FleetOptions {
  readonly hosts: number;
  readonly gpusPerHost: number;
  /** Distance between two ticks, ms. A host reports at a tick or not at all. */
  readonly intervalMs: number;
  /** The last tick is before `startMs + durationMs`. */
  readonly durationMs: number;
  /** Time of the first tick, ms since the epoch. */
  readonly startMs: number;
  readonly seed: number;
  /** Some hosts partition every other GPU into MIG instances. */
  readonly mig: boolean;
  /** Some hosts share each GPU between several pods. */
  readonly timeSlicing: boolean;
  /** Some hosts are used by Slurm jobs instead of pods. */
  readonly slurm: boolean;
  /** Hosts fall silent or slow; cards are lost, replaced, moved and renumbered; XIDs; counters that reset. */
  readonly faults: boolean;
  /** For how long rows of an ended series are repeated in the CSV, ms; 0: not at all. */
  readonly lookbackMs: number;
  /**
   * `none`: rows as the exporter prints them. `honor`: honor_labels is true, so the exporter's labels stay and the
   * target's fill what is missing. `rename`: honor_labels is false, so `pod` names the exporter and `exported_pod` the
   * holder. `mixed`: one of the three for each host.
   */
  readonly scrape: Scrape;
  /** `Hostname` up to dcgm-exporter 4.8.2, `hostname` later. */
  readonly hostLabel: "Hostname" | "hostname";
  /** `pod`: the host label names the exporter's own pod, and the label `node` the host. */
  readonly hostIs: "node" | "pod";
  /** dcgm-exporter's `--use-old-namespace`: `uuid`, `pod_name`, `pod_namespace`, `container_name`. */
  readonly oldNamespace: boolean;
  /** Clusters among which the hosts are spread, by the label `cluster` of the scrape target; 0: no such label. */
  readonly clusters: number;
  readonly dropLabels: readonly DroppableLabel[];
}

export const DEFAULT_FLEET: FleetOptions = {
  hosts: 5,
  gpusPerHost: 8,
  intervalMs: 15_000,
  durationMs: 1_800_000,
  startMs: Date.UTC(2026, 10, 20, 10),
  seed: 1,
  mig: false,
  timeSlicing: false,
  slurm: false,
  faults: false,
  lookbackMs: 0,
  scrape: "none",
  hostLabel: "Hostname",
  hostIs: "node",
  oldNamespace: false,
  clusters: 0,
  dropLabels: [],
};

export const MAX_GPUS_PER_HOST = 16;
/** Prometheus' default lookback. Cards are away for longer than this before they report elsewhere. */
export const MAX_LOOKBACK_MS = 300_000;

/** Number of ticks. */
export const ticksOf = (options: FleetOptions): number => Math.ceil(options.durationMs / options.intervalMs);
