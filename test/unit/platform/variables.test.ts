import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nameResembling, VARIABLES } from "../../../services/platform/process/variables.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { ROOT } from "../../support/programs/process.ts";

const named = (env: Record<string, string>) => {
  const { log, lines } = keptLog();
  nameResembling(env, log);
  return lines.map(({ method, message, fields }) => [method, message, fields.variable, fields.meant]);
};

test("VARIABLES are the rows of infra/CONFIGURATION.md", async () => {
  const text = await readFile(join(ROOT, "infra/CONFIGURATION.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name as string);
  expect([...VARIABLES]).toEqual([...new Set(rows)].sort());
});

test("nameResembling() names mistyped variables at every log level", () => {
  expect(named({ CSV_PAHT: "a.csv", LOGLEVEL: "debug" })).toEqual([
    ["error", "variable is not read", "CSV_PAHT", "CSV_PATH"],
    ["error", "variable is not read", "LOGLEVEL", "LOG_LEVEL"],
  ]);
});

test.each([
  { what: "our own variables", env: { CSV_PATH: "a", PORT: "1", HOST: "::1" } },
  { what: "variables of a shell", env: { PATH: "/bin", HOME: "/", HOSTNAME: "a", TERM: "x", SHLVL: "1", LANG: "C" } },
  {
    what: "addresses that Kubernetes sets for services",
    env: { TELEMETRY_PORT: "tcp://1", QUEUE_SERVICE_PORT: "1", INVENTORY_SERVICE_HOST: "1", REDIS_PORT: "tcp://1" },
  },
  { what: "empty variables", env: { CSV_PAHT: "" } },
])("nameResembling() is silent about $what", ({ env }) => {
  expect(named(env)).toEqual([]);
});
