/** `bun run k8s`: renders the chart into infra/k8s. Needs `helm`. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { printManifests } from "./print.ts";

const FOLDER = fileURLToPath(new URL("../../k8s/", import.meta.url));

for (const [name, text] of Object.entries(await printManifests("helm"))) await writeFile(`${FOLDER}${name}`, text);
