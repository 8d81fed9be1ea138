/** `bun run chart`: what follows from the chart's values.yaml, printed into the chart. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { printChart } from "./print.ts";

const CHART = fileURLToPath(new URL("../../helm/gpu-telemetry/", import.meta.url));

for (const [name, text] of Object.entries(await printChart(CHART))) await writeFile(`${CHART}${name}`, text);
