/** `bun run chart`: generates the chart's schema and the tables of its README from values.yaml. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHART } from "../deployment/run/place.ts";
import { printChart } from "./print.ts";

for (const [name, text] of Object.entries(await printChart(CHART))) await writeFile(join(CHART, name), text);
