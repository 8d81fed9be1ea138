import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";
import { ROOT } from "../../support/programs/process.ts";
import { RULES } from "../../support/project/architecture.ts";
import { importEffects } from "../../support/project/import-effects.ts";
import type { Source } from "../../support/project/source-imports.ts";

const paths = [...new Glob("{schema,services,infra,test,data}/**/*.{ts,js}").scanSync(ROOT)].sort();
const sources: Source[] = await Promise.all(
  paths.map(async (path) => ({ path, text: await Bun.file(join(ROOT, path)).text() })),
);

for (const rule of RULES) {
  test(rule.name, () => {
    expect(rule.violations(sources)).toEqual([]);
  });
}

/** One line of code that breaks a rule, and where it stands. */
const plants: Readonly<Record<string, readonly [path: string, text: string][]>> = {
  "ioredis is known only by its adapter": [
    ["services/queue/redis/open.ts", 'import { Redis } from "ioredis";'],
    ["services/queue/redis/open.ts", 'import type { Redis } from "ioredis";'],
    ["services/queue/redis/open.ts", 'const { Redis } = await import("ioredis");'],
    ["services/platform/process/lifecycle.ts", 'export { Redis } from "ioredis/built/index.js";'],
  ],
  "mongodb is known only by its adapter": [
    ["services/repository/open.ts", 'import {\n  MongoClient,\n  ObjectId,\n} from "mongodb";'],
    ["services/collector/service.ts", 'const mongo = require("mongodb");'],
  ],
  "node:sqlite is known only by its adapter": [["services/all-in-one/main.ts", 'import "node:sqlite";']],
  "import() names what it loads": [
    ["services/queue/open.ts", "const driver = await import(name);"],
    ["services/queue/open.ts", `const driver = await import(\`./\${kind}.ts\`);`],
  ],
  "a port imports the schema only": [
    ["services/queue/port.ts", 'import type { Logger } from "../platform/logger.ts";'],
    ["services/queue/port.ts", 'import type { Redis } from "redis-types";'],
    ["services/queue/port.ts", 'export * from "./memory.ts";'],
  ],
  "GraphQL lives in the subgraphs, the gateway and the platform's GraphQL files": [
    ["services/collector/service.ts", 'import { GraphQLError } from "graphql";'],
    ["services/platform/process/logger.ts", 'import { createYoga } from "graphql-yoga";'],
    ["schema/model/gpu.ts", 'import SchemaBuilder from "@pothos/core";'],
  ],
  "capabilities are opened where the program is wired": [
    ["services/collector/service.ts", 'import { openQueue } from "../queue/open.ts";'],
    ["services/repository/port.ts", 'export { openRepository } from "./open.ts";'],
  ],
  "all-in-one composes services through their doors": [
    ["services/all-in-one/main.ts", 'import { createReader } from "../streamer/row-reader.ts";'],
    ["services/all-in-one/main.ts", 'import { openMemoryQueue } from "../queue/memory.ts";'],
    ["services/all-in-one/main.ts", 'import { composeSupergraph } from "../api-gateway/compose.ts";'],
  ],
  "the product imports neither tests nor sample data": [
    ["services/all-in-one/main.ts", 'import { eventually } from "../../test/support/eventually.ts";'],
    ["schema/model/gpu.ts", 'import { createFleet } from "../../data/fleet.ts";'],
  ],
  "the sample's generator knows schema and platform only": [
    ["data/fleet.ts", 'import { openQueue } from "../services/queue/open.ts";'],
  ],
  "the deployment scripts need no package, so they run from a fresh clone": [
    ["infra/scripts/deployment/up.ts", 'import { parse } from "yaml";'],
    ["infra/scripts/deployment/up.ts", 'import type { Env } from "../../../services/platform/env.ts";'],
  ],
  "the environment is read in one file": [
    ["services/platform/process/logger.ts", "const level = process.env.LOG_LEVEL;"],
    ["services/queue/open.ts", "const { env } = process;"],
    ["services/queue/open.ts", 'import { argv, env } from "node:process";'],
    ["services/queue/open.ts", 'const url = Bun.env["REDIS_URL"];'],
    ["schema/model/gpu.ts", 'const url = process["env"].REDIS_URL;'],
    ["schema/model/gpu.ts", "const url = import.meta.env.REDIS_URL;"],
    ["infra/docker/program.ts", "const { PORT } = process.env;"],
  ],
  "no code asks in which environment it runs": [["schema/model/gpu.ts", 'if (NODE_ENV === "test") return;']],
  "nothing is left to do later": [["test/unit/gpu.test.ts", `// ${"TO"}DO: more`]],
  "a service with a main.ts has a config.ts and a service.ts": [["services/exporter/main.ts", ""]],
  "a file is named after a noun or a verb": [
    ["services/queue/utils.ts", ""],
    ["test/support/test-helpers.ts", ""],
    ["schema/common/gpu.ts", ""],
  ],
};

for (const rule of RULES) {
  test(`"${rule.name}" is noticed when it is broken`, () => {
    const planted = plants[rule.name] ?? [];
    expect(planted).not.toBeEmpty();
    for (const [path, text] of planted) {
      expect([text, rule.violations([{ path, text }]).length > 0]).toEqual([text, true]);
    }
  });
}

/** What a program runs, and the worker's side of a thread: they do something when they are loaded. */
const isProgram = (path: string): boolean => /\/(main|ingest|worker|program)\.ts$/.test(path);

test("importing a module does nothing, with nothing in the environment", async () => {
  const modules = paths.filter(
    (path) => /^(schema|services|infra\/(docker|scripts\/deployment)|data)\/.*\.ts$/.test(path) && !isProgram(path),
  );
  expect(modules.length).toBeGreaterThan(50);
  expect(await importEffects(modules.map((path) => join(ROOT, path)))).toEqual([]);
}, 90_000);

test("a module that does something when it is imported is noticed", async () => {
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
