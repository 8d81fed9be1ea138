/** Series like those of a small fleet, for comparisons with Prometheus. */
import type { SourceSeries } from "../../../services/promql/promql.ts";
import { memorySeries, type Samples } from "./memory-source.ts";

/** Deterministic numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** Seconds since 1970; a whole hour. */
export const FLEET_START = 1_767_225_600;
const SAMPLES = 480;
const INTERVAL = 15;

/** Values at times that no window of whole quarter minutes begins at; `skip` leaves samples out. */
function samples(value: (index: number) => number, skip: (index: number) => boolean = () => false): Samples {
  const indexes = Array.from({ length: SAMPLES }, (_, index) => index).filter((index) => !skip(index));
  return indexes.map((index) => [FLEET_START + index * INTERVAL + 7, value(index)] as const);
}

/** A counter that grows unevenly and starts again once, well above zero. */
function counter(next: () => number, resetAt: number): (index: number) => number {
  const values: number[] = [];
  let value = 1_000_000;
  for (let index = 0; index < SAMPLES; index++) {
    value = index === resetAt ? 500_000 : value + next() * 4000;
    values.push(value);
  }
  return (index) => values[index]!;
}

const HOSTS = ["node-a", "node-b"];
const BUCKETS = ["0.1", "0.5", "1", "5", "+Inf"];

export function gpuSeries(): SourceSeries[] {
  const series: SourceSeries[] = [];
  const next = random(42);
  for (let gpu = 0; gpu < 6; gpu++) {
    const labels = {
      gpu: String(gpu % 3),
      Hostname: HOSTS[Math.floor(gpu / 3)]!,
      UUID: `GPU-${gpu}`,
      exported_pod: gpu === 5 ? "" : `pod-${gpu % 4}`,
      namespace: gpu % 2 === 0 ? "team-a" : "team-b",
      instance: `${HOSTS[Math.floor(gpu / 3)]}:9400`,
    };
    const own = (name: string, values: Samples): SourceSeries => memorySeries({ __name__: name, ...labels }, values);
    const gap = (index: number): boolean => gpu === 2 && index > 150 && index < 190;
    const used = samples(() => 1000 + Math.floor(next() * 70_000));
    series.push(
      own(
        "DCGM_FI_DEV_GPU_UTIL",
        samples(() => Math.floor(next() * 10_000) / 100, gap),
      ),
      own(
        "DCGM_FI_DEV_POWER_USAGE",
        samples((index) => 200 + 100 * Math.sin(index / 9 + gpu) + next(), gap),
      ),
      own("DCGM_FI_DEV_FB_USED", used),
      own(
        "DCGM_FI_DEV_FB_FREE",
        used.map(([at, value]) => [at, 81_000 - value] as const),
      ),
      own("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", samples(counter(next, 200 + gpu * 20), gap)),
      own(
        "DCGM_FI_DEV_XID_ERRORS",
        samples((index) => (index > 300 && gpu === 1 ? 79 : gpu === 4 ? index % 3 : 0)),
      ),
    );
  }
  for (const namespace of ["team-a", "team-b"]) {
    const labels = { __name__: "kube_namespace_labels", namespace, team: namespace.toUpperCase() };
    series.push(
      memorySeries(
        labels,
        samples(() => 1),
      ),
    );
  }
  const counts = BUCKETS.map((_, index) => counter(next, -1 - index));
  BUCKETS.forEach((le, index) => {
    const total = (at: number): number => counts.slice(0, index + 1).reduce((sum, one) => sum + one(at), 0);
    series.push(memorySeries({ __name__: "latency_seconds_bucket", le }, samples(total)));
  });
  return series;
}
