/**
 * Derives holds and placements from rows, slowly and literally by the rules that data/fleet/ledger.ts states. Shares no
 * code with the ledger, which is made from the plan of the fleet.
 */
import type { FleetRow } from "./rows.ts";

export interface RowHold {
  readonly gpu: string;
  readonly instance: string | null;
  /** `namespace/pod/container`, or `job N`. */
  readonly holder: string;
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
}

/** Text in the names of pods and containers that are exporters. */
const EXPORTER = "dcgm-exporter";
/** Labels that tell series of one GPU or instance apart. The replica number `vgpu` does not. */
const SERIES_LABELS = ["xid"] as const;
const FIVE_MINUTES = 300_000;

const hostOf = ({ labels }: FleetRow): string => {
  const shown = labels.get("Hostname") ?? labels.get("hostname") ?? "";
  const name = shown === "" || shown.includes(EXPORTER) ? labels.get("node")! : shown;
  return labels.has("cluster") ? `${labels.get("cluster")}:${name}` : name;
};

export const gpuOf = (row: FleetRow): string =>
  row.labels.get("UUID") ?? row.labels.get("uuid") ?? `HOST-${hostOf(row)}-${row.labels.get("gpu")}`;

/** Whom a row names, or null. */
export function holderOf({ labels }: FleetRow): string | null {
  const job = labels.get("hpc_job");
  if (job !== undefined) return `job ${job}`;
  if (labels.has("pod_name")) {
    return ["pod_namespace", "pod_name", "container_name"].map((name) => labels.get(name)).join("/");
  }
  const prefix = labels.has("exported_pod") ? "exported_" : "";
  const [namespace, pod, container] = ["namespace", "pod", "container"].map((name) => labels.get(prefix + name));
  if (pod === undefined) return null;
  if (prefix === "" && (pod.includes(EXPORTER) || container!.includes(EXPORTER))) return null;
  return `${namespace}/${pod}/${container}`;
}

/** H(s, t) of one series: times ascending, and the holders named at each. */
interface Series {
  readonly times: readonly number[];
  readonly named: ReadonlyMap<number, ReadonlySet<string>>;
}

function seriesOf(rows: readonly FleetRow[]): Series {
  const named = new Map<number, Set<string>>();
  for (const [at, together] of Map.groupBy(rows, (row) => row.at)) {
    const union = new Set<string>();
    for (const replica of Map.groupBy(together, (row) => row.labels.get("vgpu")).values()) {
      const holders = replica.map(holderOf);
      if (!holders.includes(null)) for (const holder of holders) union.add(holder!);
    }
    named.set(at, union);
  }
  return { times: [...named.keys()].sort((a, b) => a - b), named };
}

const lastBefore = ({ times }: Series, at: number): number | undefined => times.findLast((time) => time < at);
const names = ({ named }: Series, at: number | undefined, holder: string): boolean =>
  at !== undefined && named.get(at)?.has(holder) === true;

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The usual interval of a series around a silence that ends at `at` or later. */
function usualInterval({ times }: Pick<Series, "times">, at: number): number {
  const before = times.filter((time) => time < at);
  const after = times.filter((time) => time >= at);
  const distances = (side: readonly number[]) => side.slice(1).map((time, place) => time - side[place]!);
  const all = [...distances(before).slice(-20), ...distances(after).slice(0, 20)];
  return all.length === 0 ? FIVE_MINUTES : median(all);
}

/** True if the series had no reading from the last one before `next` until `at`, and that is long. */
function silentUntil(series: readonly Series[], at: number, next = at): boolean {
  const last = Math.max(...series.map((one) => lastBefore(one, next) ?? Number.NEGATIVE_INFINITY));
  const usual = Math.max(...series.map((one) => usualInterval(one, next)));
  return at - last > 3 * usual && at - last >= FIVE_MINUTES;
}

function holdsOf(series: readonly Series[], holder: string, newest: number): Omit<RowHold, "gpu" | "instance">[] {
  const holds: Omit<RowHold, "gpu" | "instance">[] = [];
  let hold: { from: number; to: number; by: Set<Series> } | null = null;
  const end = (open: boolean): void => {
    if (hold !== null) holds.push({ holder, from: hold.from, to: hold.to, open });
    hold = null;
  };
  const times = [...new Set(series.flatMap((one) => one.times))].sort((a, b) => a - b);
  for (const at of times) {
    const present = series.filter((one) => one.named.has(at));
    const naming = present.filter((one) => names(one, at, holder));
    const by: Set<Series> = (hold as { by: Set<Series> } | null)?.by ?? new Set();
    if (by.size > 0 && present.some((one) => by.has(one) || naming.includes(one)) && silentUntil([...by], at))
      end(false);
    if (present.some((one) => names(one, lastBefore(one, at), holder) && !naming.includes(one))) end(false);
    const takenUp = naming.some((one) => {
      const before = lastBefore(one, at);
      return before === undefined || !names(one, before, holder) || silentUntil([one], at);
    });
    if (hold === null && takenUp) hold = { from: at, to: at, by: new Set() };
    if (hold !== null && naming.length > 0) hold = { ...(hold as { from: number; by: Set<Series> }), to: at };
    for (const one of naming) (hold as { by: Set<Series> } | null)?.by.add(one);
  }
  const by: Set<Series> | undefined = (hold as { by: Set<Series> } | null)?.by;
  if (by !== undefined) end(!silentUntil([...by], newest, Number.POSITIVE_INFINITY));
  return holds;
}

/** @returns holds in no particular order */
export function holdsOfRows(rows: readonly FleetRow[]): RowHold[] {
  const found: RowHold[] = [];
  for (const [gpu, ofGpu] of Map.groupBy(rows, gpuOf)) {
    const newest = ofGpu.reduce((last, row) => Math.max(last, row.at), 0);
    for (const [instance, ofDevice] of Map.groupBy(ofGpu, (row) => row.labels.get("GPU_I_ID") ?? null)) {
      const keyOf = (row: FleetRow) => [row.metric, ...SERIES_LABELS.map((name) => row.labels.get(name))].join(" ");
      const series = [...Map.groupBy(ofDevice, keyOf).values()].map(seriesOf);
      const holders = new Set(ofDevice.map(holderOf).filter((holder) => holder !== null));
      for (const holder of holders) {
        for (const hold of holdsOf(series, holder, newest)) found.push({ gpu, instance, ...hold });
      }
    }
  }
  return found;
}

export interface RowPlacement {
  readonly gpu: string;
  readonly host: string;
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly ended: "moved" | "replaced" | null;
  readonly lost: boolean;
}

/** @returns placements in no particular order */
export function placementsOfRows(rows: readonly FleetRow[]): RowPlacement[] {
  const sightings = rows
    .map((row) => ({ at: row.at, gpu: gpuOf(row), host: hostOf(row), index: Number(row.labels.get("gpu")) }))
    .sort((a, b) => a.at - b.at);
  const firstOnHost = new Map<string, number>();
  for (const { gpu, host, at } of sightings) {
    if (!firstOnHost.has(`${gpu} ${host}`)) firstOnHost.set(`${gpu} ${host}`, at);
  }
  /** The newest reading of a card that had never reported from this host before, by slot. */
  const newcomers = sightings.filter(({ gpu, host, at }) => firstOnHost.get(`${gpu} ${host}`) === at);
  const placements: RowPlacement[] = [];
  for (const [gpu, own] of Map.groupBy(sightings, (sighting) => sighting.gpu)) {
    const left = [...own];
    for (let first = left[0]; first !== undefined; first = left[0]) {
      const { host, index, at: from } = first;
      const replacedAt = newcomers.find(
        (one) => one.host === host && one.index === index && one.gpu !== gpu && one.at > from,
      )?.at;
      const movedAt = left.find((one) => one.host !== host || one.index !== index)?.at;
      const end = Math.min(replacedAt ?? Number.POSITIVE_INFINITY, movedAt ?? Number.POSITIVE_INFINITY);
      const here = left.filter((one) => one.at < end);
      left.splice(0, here.length);
      const to = here.at(-1)!.at;
      const times = [...new Set(here.map((one) => one.at))];
      const usual = usualInterval({ times }, Number.POSITIVE_INFINITY);
      const lost =
        end === Number.POSITIVE_INFINITY &&
        sightings.some((one) => one.host === host && one.gpu !== gpu && one.at - to > 5 * usual);
      const ended = end === Number.POSITIVE_INFINITY ? null : movedAt === end ? "moved" : "replaced";
      placements.push({ gpu, host, index, from, to, ended, lost });
    }
  }
  return placements;
}
