import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { buildSchema, parse, validate } from "graphql";
import { generate } from "../../../services/all-in-one/generate.ts";
import { REST_ROUTES } from "../../../services/api-gateway/rest/contract.ts";
import { createInventorySchema } from "../../../services/inventory/schema.ts";
import { createTelemetrySchema } from "../../../services/telemetry/schema.ts";
import { ListedFeed, ListedStore } from "../../support/api/listed-store.ts";

const FOLDER = new URL("../../../schema/generated/", import.meta.url);

test("schema/generated holds what the code prints, and nothing else: bun run generate", async () => {
  const printed = generate();
  expect((await readdir(FOLDER)).sort()).toEqual(Object.keys(printed).sort());
  for (const [name, text] of Object.entries(printed)) {
    expect({ name, text: await readFile(new URL(name, FOLDER), "utf8") }).toEqual({ name, text });
  }
});

test("the queries behind REST are valid in the subgraph that answers them", () => {
  const repository = new ListedStore();
  const schemas = {
    inventory: createInventorySchema({ repository }),
    telemetry: createTelemetrySchema({ repository, feed: new ListedFeed() }),
  };
  for (const { field, query, subgraph } of REST_ROUTES) {
    expect([field, validate(schemas[subgraph], query)]).toEqual([field, []]);
  }
});

test("the graph keeps the names and shapes that clients know", () => {
  const sdl = generate();
  const types = ["inventory.graphql", "telemetry.graphql", "pipeline.graphql"].map((name) =>
    buildSchema((sdl[name] ?? "").replace(/extend schema[^)]+\)/, "").replaceAll(/@key\([^)]*\)/g, "")),
  );
  const [inventory, telemetry, pipeline] = types;
  const valid = (schema: typeof inventory, query: string) =>
    schema !== undefined && validate(schema, parse(query)).length === 0;
  expect(
    valid(
      inventory,
      `query($a: DateTime) {
    gpus(filter: { hostname: "h", namespace: "n", model: "m" }, limit: 10, after: "c") { gpus { uuid deviceId gpuIndex
      modelName hostname container pod namespace driverVersion firstSeen lastSeen
      attributions(startTime: $a, endTime: $a) { container pod namespace from to } } total next }
    gpu(uuid: "u") { uuid } gpusByUuid(uuids: ["u"]) { uuid } hosts { hostname gpus lastSeen } metrics { name unit kind description aliases }
  }`,
    ),
  ).toBe(true);
  expect(
    valid(
      telemetry,
      `query($a: DateTime) {
    gpuTelemetry(uuid: "u", startTime: $a, endTime: $a, metrics: ["m"], limit: 5, after: "c") {
      gpuUuid count next telemetry { metricName value timestamp } }
  }`,
    ),
  ).toBe(true);
  expect(
    valid(
      telemetry,
      `subscription($d: Duration) {
    readings(filter: { gpus: ["u"], hosts: ["h"], namespaces: ["n"], metrics: ["m"], above: 1.5, below: 0.5 }, minInterval: $d) {
      missed readings { gpuUuid hostname metricName value timestamp } }
  }`,
    ),
  ).toBe(true);
  expect(
    valid(
      pipeline,
      `query { queues { name ready leased delayed dead bytes oldestAgeSeconds orphans
      counters { published readings duplicates gaps fenced rejected claimed acked nacked released expired dead redriven purged } }
    deadLetters(limit: 10, after: "c") { total next letters { id producer epoch seq readings bytes attempts reason
      publishedAt diedAt undecodable preview { readings firstAt lastAt gpuCount gpus seriesCount series } } } }`,
    ),
  ).toBe(true);
  expect(valid(pipeline, "subscription { queues { name publishedPerSecond ackedPerSecond } }")).toBe(true);
  expect(valid(pipeline, `mutation($ids: [ID!]) { redriveDeadLetters(ids: $ids) purgeDeadLetters(ids: $ids) }`)).toBe(
    true,
  );
});
