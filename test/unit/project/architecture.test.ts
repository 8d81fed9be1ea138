import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";
import { Edges } from "../../../infra/scripts/check/edges.ts";
import { importsOf, type Source } from "../../../infra/scripts/check/imports.ts";
import { edgeRules, RULES } from "../../../infra/scripts/check/rules.ts";
import { ROOT } from "../../support/programs/process.ts";
import { importEffects } from "../../support/project/import-effects.ts";

const paths = [...new Glob("{schema,services,infra,test,data}/**/*.{ts,js,sh,yaml,tpl}").scanSync(ROOT)].sort();
const sources: Source[] = await Promise.all(
  paths.map(async (path) => ({ path, text: await Bun.file(join(ROOT, path)).text() })),
);

const edges = new Edges(await Bun.file(join(ROOT, "services/LAYERS.md")).text());
const rules = [...edgeRules(edges), ...RULES];

for (const rule of rules) {
  test(rule.name, () => {
    expect(rule.violations(sources)).toEqual([]);
  });
}

/** For each rule: sources that break it, each with one line of code. */
const plants: Readonly<Record<string, readonly [path: string, text: string][]>> = {
  "only the adapter imports ioredis": [
    ["services/queue/redis/open.ts", 'import { Redis } from "ioredis";'],
    ["services/queue/redis/open.ts", 'import type { Redis } from "ioredis";'],
    ["services/queue/redis/open.ts", 'const { Redis } = await import("ioredis");'],
    ["services/platform/process/lifecycle.ts", 'export { Redis } from "ioredis/built/index.js";'],
  ],
  "only the adapter imports mongodb": [
    ["services/repository/open.ts", 'import {\n  MongoClient,\n  ObjectId,\n} from "mongodb";'],
    ["services/collector/service.ts", 'const mongo = require("mongodb");'],
  ],
  "only the adapter imports node:sqlite": [["services/all-in-one/main.ts", 'import "node:sqlite";']],
  "every file belongs to a room of the table of edges": [
    ["services/exporter/main.ts", ""],
    ["services/platform/clock.ts", ""],
    ["infra/scripts/check.ts", ""],
  ],
  "imports follow the table of edges": [
    ["schema/model/gpu.ts", 'import { decode } from "../batch/codec.ts";'],
    ["schema/model/gpu.ts", 'import { createFleet } from "../../data/fleet.ts";'],
    ["schema/dcgm/row.ts", 'import type { Env } from "../../services/platform/process/env.ts";'],
    ["services/platform/process/lifecycle.ts", 'import { listen } from "../http/listen.ts";'],
    ["services/platform/http/health.ts", 'import { buildSchema } from "../graphql/subgraph.ts";'],
    ["services/platform/http/health.ts", 'export type { Queue } from "../../queue/port.ts";'],
    ["services/platform/redis/client.ts", 'import { listen } from "../http/listen.ts";'],
    ["services/queue/port.ts", 'import type { Logger } from "../platform/process/logger.ts";'],
    ["services/queue/port.ts", 'export * from "./memory/queue.ts";'],
    ["services/queue/memory/queue.ts", 'import { partitionOf } from "../redis/partition.ts";'],
    ["services/queue/redis/queue.ts", 'import { readBatches } from "../http/wire.ts";'],
    ["services/queue/http/queue.ts", 'import type { Repository } from "../../repository/port.ts";'],
    ["services/repository/port.ts", 'export { openRepository } from "./open.ts";'],
    ["services/repository/sqlite/save.ts", 'import { link } from "../mongodb/connection/link.ts";'],
    ["services/repository/mongodb/connection/link.ts", 'import { pages } from "../readings/pages.ts";'],
    ["services/repository/mongodb/readings/pages.ts", 'import { learn } from "../inventory/learner.ts";'],
    ["services/live-feed/memory/feed.ts", 'import { channelOf } from "../redis/channels.ts";'],
    ["services/sources/port.ts", 'import type { Batch } from "../queue/port.ts";'],
    ["services/sources/csv/row-reader.ts", 'import type { Queue } from "../../queue/port.ts";'],
    ["services/sources/bytes/decompress.ts", 'import { parse } from "../csv/row-reader.ts";'],
    ["services/streamer/cut/read-ahead.ts", 'import { openRows } from "../../sources/csv/row-reader.ts";'],
    ["services/streamer/cut/batch-cutter.ts", 'import { Publisher } from "../send/publisher.ts";'],
    ["services/api-gateway/graph/gateway.ts", 'import { relay } from "../live/relay.ts";'],
    ["services/collector/service.ts", 'import { openQueue } from "../queue/open.ts";'],
    ["services/collector/config.ts", 'import { openRepository } from "../repository/open.ts";'],
    ["services/collector/service.ts", 'import { runStreamer } from "../streamer/service.ts";'],
    ["services/inventory/schema.ts", 'import type { LiveFeed } from "../live-feed/port.ts";'],
    ["services/api-gateway/edge/access.ts", 'import type { Gateway } from "../graph/gateway.ts";'],
    ["services/api-gateway/subgraphs/http.ts", 'import { access } from "../edge/access.ts";'],
    ["services/api-gateway/live/websocket.ts", 'import { ask } from "../graph/gateway.ts";'],
    ["services/api-gateway/live/websocket.ts", 'import { rows } from "../rest/rows.ts";'],
    ["services/api-gateway/graph/gateway.ts", 'import { rows } from "../rest/rows.ts";'],
    ["services/api-gateway/rest/export.ts", 'import { relay } from "../live/relay.ts";'],
    ["services/api-gateway/pages/handler.ts", 'import { rows } from "../rest/rows.ts";'],
    ["services/all-in-one/main.ts", 'import { createReader } from "../sources/csv/row-reader.ts";'],
    ["services/all-in-one/main.ts", 'import { openMemoryQueue } from "../queue/memory/queue.ts";'],
    ["services/all-in-one/main.ts", 'import { composeSupergraph } from "../api-gateway/graph/compose.ts";'],
    ["services/all-in-one/main.ts", 'import { eventually } from "../../test/support/time/eventually.ts";'],
    ["data/fleet.ts", 'import { openQueue } from "../services/queue/open.ts";'],
    ["infra/scripts/deployment/up.ts", 'import type { Env } from "../../../services/platform/process/env.ts";'],
  ],
  "a port imports no package": [["services/queue/port.ts", 'import type { Redis } from "redis-types";']],
  "import() names the module that it loads": [
    ["services/queue/open.ts", "const driver = await import(name);"],
    ["services/queue/open.ts", `const driver = await import(\`./\${kind}.ts\`);`],
  ],
  "only the subgraphs, the gateway and the platform's GraphQL room import GraphQL packages": [
    ["services/collector/service.ts", 'import { GraphQLError } from "graphql";'],
    ["services/platform/process/logger.ts", 'import { createYoga } from "graphql-yoga";'],
    ["schema/model/gpu.ts", 'import SchemaBuilder from "@pothos/core";'],
  ],
  "the deployment scripts need no package, so that they run from a fresh clone": [
    ["infra/scripts/deployment/up.ts", 'import { parse } from "yaml";'],
  ],
  "only the platform's env.ts reads the environment": [
    ["services/platform/process/logger.ts", "const level = process.env.LOG_LEVEL;"],
    ["services/queue/open.ts", "const { env } = process;"],
    ["services/queue/open.ts", 'import { argv, env } from "node:process";'],
    ["services/queue/open.ts", 'const url = Bun.env["REDIS_URL"];'],
    ["schema/model/gpu.ts", 'const url = process["env"].REDIS_URL;'],
    ["schema/model/gpu.ts", "const url = import.meta.env.REDIS_URL;"],
    ["infra/docker/program.ts", "const { PORT } = process.env;"],
  ],
  "no code branches on the environment that it runs in": [["schema/model/gpu.ts", 'if (NODE_ENV === "test") return;']],
  "comment lines end at column 120": [
    ["schema/model/gpu.ts", `/** ${"long ".repeat(25)}*/`],
    ["test/unit/schema/metric.test.ts", `  // ${"long ".repeat(25)}`],
    ["infra/helm/gpu-telemetry/values.yaml", `# ${"long ".repeat(25)}`],
  ],
  "no comment defers work": [["test/unit/gpu.test.ts", `// ${"TO"}DO: more`]],
  "a service has main.ts, config.ts and service.ts": [["services/exporter/main.ts", ""]],
  "file names are nouns or verbs": [
    ["services/queue/utils.ts", ""],
    ["test/support/test-helpers.ts", ""],
    ["schema/common/gpu.ts", ""],
  ],
};

for (const rule of rules) {
  test(`the rule "${rule.name}" reports planted violations`, () => {
    const planted = plants[rule.name] ?? [];
    expect(planted).not.toBeEmpty();
    for (const [path, text] of planted) {
      expect([text, rule.violations([{ path, text }]).length > 0]).toEqual([text, true]);
    }
  });
}

test("the table of edges allows no import between services and capabilities that no file uses", () => {
  const used = new Set<string>();
  for (const source of sources) {
    const room = edges.roomOf(source.path);
    for (const { target, typeOnly } of room === null ? [] : importsOf(source)) {
      if (target !== null) used.add(`${room} -> ${edges.entryFor(room ?? "", target, typeOnly)}`);
    }
  }
  const allowed = [...edges.rows].flatMap(([room, targets]) =>
    targets.filter((target) => !/^(schema|services\/platform)\//.test(target)).map((target) => `${room} -> ${target}`),
  );
  expect(allowed.length).toBeGreaterThan(80);
  expect(allowed.filter((edge) => !used.has(edge))).toEqual([]);
});

test("the table of edges has no cycle", () => {
  const done = new Set<string>();
  const visit = (room: string, path: readonly string[]): void => {
    if (done.has(room)) return;
    expect(path).not.toContain(room);
    const targets = (edges.rows.get(room) ?? []).filter((entry) => !entry.startsWith("type "));
    for (const target of targets) visit(edges.roomOf(target) ?? target, [...path, room]);
    done.add(room);
  };
  for (const room of edges.rows.keys()) visit(room, []);
  expect(done.size).toBeGreaterThan(40);
});

/** Programs and workers, which act when they are loaded. */
const isProgram = (path: string): boolean => /\/(main|start|ingest|all-in-one\/export|worker|program)\.ts$/.test(path);

test("importing a module has no effect and needs no environment", async () => {
  const modules = paths.filter(
    (path) => /^(schema|services|infra\/(docker|scripts\/deployment)|data)\/.*\.ts$/.test(path) && !isProgram(path),
  );
  expect(modules.length).toBeGreaterThan(50);
  expect(await importEffects(modules.map((path) => join(ROOT, path)))).toEqual([]);
}, 90_000);

test("importEffects() reports modules that act when they are imported", async () => {
  const folder = await mkdtemp(join(tmpdir(), "import-plants-"));
  const plantedModules = {
    "prints.ts": 'console.log("hello");',
    "writes.ts": 'import { writeFileSync } from "node:fs"; writeFileSync("left-behind", "");',
    "needs-environment.ts": 'if (!process.env.REDIS_URL) throw new Error("REDIS_URL is not set");',
    "listens.ts": 'process.on("SIGTERM", () => {});',
    "exits.ts": "process.exit(3);",
  };
  try {
    await Bun.write(join(folder, "stays.ts"), "setInterval(() => {}, 1000);");
    expect(await importEffects([join(folder, "stays.ts")], { deadlineMs: 2000 })).toHaveLength(1);
    for (const [name, text] of Object.entries(plantedModules)) {
      await Bun.write(join(folder, name), text);
      expect([name, (await importEffects([join(folder, name)])).length]).toEqual([name, 1]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
