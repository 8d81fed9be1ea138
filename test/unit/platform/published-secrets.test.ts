import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { warnOfPublishedSecrets } from "../../../services/platform/process/published-secrets.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { BUN, ROOT, startProgram } from "../../support/programs/process.ts";

/** Variables of which is warned. Fails when a value is in the log. */
function warnedOf(env: Readonly<Record<string, string>>): unknown[] {
  const { log, lines } = keptLog();
  warnOfPublishedSecrets(env, log);
  for (const value of Object.values(env)) expect(JSON.stringify(lines)).not.toContain(value);
  return lines.map(({ fields }) => fields.variable);
}

test("warnOfPublishedSecrets() names the variables whose secrets are published, and shows no value", () => {
  expect(
    warnedOf({
      API_TOKEN: "change-me",
      ADMIN_TOKEN: "Change-Me-now",
      INTERNAL_TOKEN: "not-a-secret",
      REDIS_PASSWORD: "change-me-redis",
      MONGODB_URI: "mongodb://telemetry:change-me-telemetry@mongodb:27017/gpu_telemetry?replicaSet=rs0",
    }),
  ).toEqual(["API_TOKEN", "ADMIN_TOKEN", "INTERNAL_TOKEN", "REDIS_PASSWORD", "MONGODB_URI"]);
});

test("warnOfPublishedSecrets() is silent about other secrets, and where there are none", () => {
  expect(warnedOf({})).toEqual([]);
  const mongodb = "mongodb://change-me.example:27017/gpu_telemetry?appName=change-me";
  expect(warnedOf({ API_TOKEN: "Zm9v", INTERNAL_TOKEN: "i-change-me-daily", MONGODB_URI: mongodb })).toEqual([]);
});

test("warnOfPublishedSecrets() knows every secret that infra/k8s and infra/compose.yaml publish", async () => {
  const folder = join(ROOT, "infra/k8s/secrets");
  const published: string[] = [];
  for (const name of await readdir(folder)) {
    const lines = (await readFile(join(folder, name), "utf8")).split("\n");
    for (const line of lines) {
      const [, key = "", value = ""] = /^([a-z-]+)=(.+)$/.exec(line) ?? [];
      if (/password|token/.test(key)) published.push(value);
    }
  }
  const compose = await readFile(join(ROOT, "infra/compose.yaml"), "utf8");
  published.push(/INTERNAL_TOKEN:-([^}]+)\}/.exec(compose)?.[1] ?? "");
  expect(published.length).toBeGreaterThan(4);
  for (const value of published) expect([value, warnedOf({ API_TOKEN: value })]).toEqual([value, ["API_TOKEN"]]);
});

test("a program with a published secret warns at its start", async () => {
  await using folder = await temporaryFolder();
  await using program = startProgram([BUN, "services/inventory/main.ts"], {
    PORT: "0",
    LOG_FORMAT: "json",
    SQLITE_PATH: `${folder.path}/telemetry.sqlite`,
    INTERNAL_TOKEN: "not-a-secret",
  });
  const isWarning = ({ level, variable }: Readonly<Record<string, unknown>>) =>
    level === "warn" && variable === "INTERNAL_TOKEN";
  await program.logLine(isWarning, { what: "the warning" });
  expect(program.output.stdout).not.toContain("not-a-secret");
}, 30_000);
