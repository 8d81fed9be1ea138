/** Rows of a generated CSV file, split at their quotes, independently of the product. */
import { HEADER } from "../../../data/csv.ts";
import { type SimulationOptions, simulate } from "../../../data/simulation.ts";

export interface SampleRow {
  readonly time: string;
  readonly metric: string;
  readonly index: number;
  readonly uuid: string;
  readonly host: string;
  readonly pod: string;
  readonly value: number;
  readonly labels: string;
}

export const sampleText = (options: SimulationOptions): string => [...simulate(options)].join("");

export function sampleRows(options: SimulationOptions): SampleRow[] {
  const [header, ...lines] = sampleText(options).split("\n");
  if (`${header}\n` !== HEADER || lines.pop() !== "") throw new Error("The file has no header or no last line end");
  return lines.map((line) => {
    const fields = line.slice(1, -1).split('","');
    if (fields.length !== 12) throw new Error(`${fields.length} fields in: ${line}`);
    const [time, metric, index, , uuid, , host, , pod, , value, labels] = fields as string[] & { length: 12 };
    return { time, metric, index: Number(index), uuid, host, pod, value: Number(value), labels } as SampleRow;
  });
}

/** Readings of one GPU at one tick, by metric name without its prefix. */
export interface SampleTick {
  readonly time: string;
  readonly pod: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Ticks by `host/index`, in order of time. */
export function ticksByGpu(rows: readonly SampleRow[]): Map<string, SampleTick[]> {
  const byGpu = new Map<string, Map<string, { time: string; pod: string; values: Record<string, number> }>>();
  for (const { time, metric, index, host, pod, value } of rows) {
    const name = `${host}/${index}`;
    const ticks = byGpu.get(name) ?? new Map();
    byGpu.set(name, ticks);
    const tick = ticks.get(time) ?? { time, pod, values: {} };
    ticks.set(time, tick);
    tick.values[metric.replace(/^DCGM_FI_(DEV_)?/, "")] = value;
  }
  return new Map([...byGpu].map(([name, ticks]) => [name, [...ticks.values()]]));
}
