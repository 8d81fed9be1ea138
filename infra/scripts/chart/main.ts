/** `bun run chart`: what follows from the chart's values.yaml, printed into the chart. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHART } from "../deployment/place.ts";
import { printChart } from "./print.ts";

for (const [name, text] of Object.entries(await printChart(CHART))) await writeFile(join(CHART, name), text);
