/** Writes the generated schemas into `schema/generated/`, which is committed. `bun run generate [FILE…]` */
import { mkdir, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import { composeSupergraph, printSubgraph } from "../api-gateway/graph/compose.ts";
import { createOpenApi } from "../api-gateway/rest/openapi.ts";
import { createInventorySchema } from "../inventory/schema.ts";
import { createPipelineSchema } from "../queue-service/schema.ts";
import { createTelemetrySchema } from "../telemetry/schema.ts";

const FOLDER = new URL("../../schema/generated/", import.meta.url);

/** Returns a placeholder for the parts that a schema needs only when it is executed. */
const unused = <T extends object>(): T =>
  new Proxy({} as T, {
    get() {
      throw new Error("Schemas that are only printed must not be executed");
    },
  });

/** Returns the text of each generated file by its name. */
export function generate(): Readonly<Record<string, string>> {
  const subgraphs = {
    inventory: printSubgraph(createInventorySchema({ repository: unused() })),
    telemetry: printSubgraph(createTelemetrySchema({ repository: unused(), feed: unused() })),
    pipeline: printSubgraph(createPipelineSchema({ queue: unused(), clock: unused() })),
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
    if (text === undefined) throw new Error(`FILE must be one of ${Object.keys(generated).join(", ")}, got ${name}`);
    await writeFile(new URL(name, FOLDER), text);
  }
}
