/** What `nvidia-smi --query-gpu=… --format=csv` prints. */
import { BY_TICK, type FileFormat } from "./format.ts";
import type { Row } from "./rows.ts";

/** Field and unit of a metric. */
const FIELDS = [
  ["utilization.gpu", "%", "DCGM_FI_DEV_GPU_UTIL"],
  ["utilization.memory", "%", "DCGM_FI_DEV_MEM_COPY_UTIL"],
  ["power.draw", "W", "DCGM_FI_DEV_POWER_USAGE"],
  ["temperature.gpu", "", "DCGM_FI_DEV_GPU_TEMP"],
  ["memory.used", "MiB", "DCGM_FI_DEV_FB_USED"],
  ["memory.free", "MiB", "DCGM_FI_DEV_FB_FREE"],
  ["clocks.sm", "MHz", "DCGM_FI_DEV_SM_CLOCK"],
  ["clocks.mem", "MHz", "DCGM_FI_DEV_MEM_CLOCK"],
] as const;

const nameOf = (field: string, unit: string): string => (unit === "" || unit === "W" ? field : `${field} [${unit}]`);
const HEAD = ["timestamp", "uuid", "name", ...FIELDS.map(([field, unit]) => nameOf(field, unit))].join(", ");

const timeOf = (time: string): string => `${time.slice(0, 10).replaceAll("-", "/")} ${time.slice(11, 19)}.000`;

function lineOf(rows: readonly Row[]): { text: string; readings: number } {
  const { time, fields } = rows[0]!;
  const values = new Map(rows.map(({ metric, value }) => [metric, value]));
  const cells = FIELDS.map(([, unit, metric]) => {
    const value = values.get(metric);
    return value === undefined ? "[N/A]" : `${value} ${unit}`.trim();
  });
  const readings = cells.filter((cell) => cell !== "[N/A]").length;
  return { text: `${[timeOf(time), fields[4], fields[5], ...cells].join(", ")}\n`, readings };
}

export const NVIDIA_SMI: FileFormat = {
  title: "nvidia-smi",
  file: "gpu-node-001.csv",
  together: BY_TICK,
  head: `${HEAD}\n`,
  part(rows) {
    let text = "";
    let readings = 0;
    for (const [, ofGpu] of Map.groupBy(rows, ({ time, fields }) => `${time} ${fields[4]}`)) {
      const line = lineOf(ofGpu);
      text += line.text;
      readings += line.readings;
    }
    return { text, readings };
  },
};
