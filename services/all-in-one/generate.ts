/** Prints into `schema/generated/` what follows from the code; the files are committed. `bun run generate [FILE…]` */
import { mkdir, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import { composeSupergraph, printSubgraph } from "../api-gateway/graph/compose.ts";
import { createOpenApi } from "../api-gateway/rest/openapi.ts";
import { createInventorySchema } from "../inventory/schema.ts";
import { createPipelineSchema } from "../queue-service/schema.ts";
import { createTelemetrySchema } from "../telemetry/schema.ts";

const FOLDER = new URL("../../schema/generated/", import.meta.url);

/** Stands where a schema wants its parts but nobody asks it anything. */
const nobody = <T extends object>(): T =>
  new Proxy({} as T, {
    get() {
      throw new Error("A schema that is printed is not executed");
    },
  });

/** File name → text. */
export function generate(): Readonly<Record<string, string>> {
  const subgraphs = {
    inventory: printSubgraph(createInventorySchema({ repository: nobody() })),
    telemetry: printSubgraph(createTelemetrySchema({ repository: nobody(), feed: nobody() })),
    pipeline: printSubgraph(createPipelineSchema({ queue: nobody(), clock: nobody() })),
  };
  const openApi = createOpenApi(packageJson.version);
  return {
    "inventory.graphql": subgraphs.inventory,
    "telemetry.graphql": subgraphs.telemetry,
    "pipeline.graphql": subgraphs.pipeline,
    "supergraph.graphql": composeSupergraph(subgraphs),
    "openapi.json": `${JSON.stringify(openApi, null, 2)}\n`,
    "openapi.yaml": stringify(openApi, { aliasDuplicateObjects: false }),
  };
}

if (import.meta.main) {
  await mkdir(FOLDER, { recursive: true });
  const generated = generate();
  const named = process.argv.slice(2);
  for (const name of named.length > 0 ? named : Object.keys(generated)) {
    const text = generated[name];
    if (text === undefined)
      throw new Error(`${name} is not generated: accepted are ${Object.keys(generated).join(", ")}`);
    await writeFile(new URL(name, FOLDER), text);
  }
}
