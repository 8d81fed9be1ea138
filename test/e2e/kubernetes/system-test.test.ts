import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openApi } from "../../support/api/api.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { startAllInOne } from "../../support/programs/all-in-one.ts";
import { DAMAGES, type Damage, serveDamaged } from "../../support/programs/damage.ts";
import { addressOf, type Program } from "../../support/programs/process.ts";
import { openServices } from "../../support/programs/services.ts";
import { allOf, type Check, SYSTEM_TEST, systemTest } from "../../support/programs/system-test.ts";
import { withoutBackend } from "../../support/servers/backend.ts";
import { haveRedisServer, startRedisServer } from "../../support/servers/redis-server.ts";

setDefaultTimeout(60_000);
const folder = await temporaryFolder();
let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  api = await openApi({ gpus: 20, ticks: 20 });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Makes a folder with files. */
async function folderOf(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(path);
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(path, file), text);
    await chmod(join(path, file), 0o755);
  }
  return path;
}
const logsOf = (name: string, programs: Readonly<Record<string, Program>>): Promise<string> =>
  folderOf(
    name,
    Object.fromEntries(Object.entries(programs).map(([service, { output }]) => [`${service}.log`, output.stdout])),
  );
const quietLogs = () => folderOf("quiet", { "all-in-one.log": '{"level":"info","message":"listening"}\n' });
const ON_PATH = process.env.PATH ?? "";

describe("system-test.sh", () => {
  test("passes against all-in-one", async () => {
    await using program = startAllInOne({ SQLITE_PATH: join(folder.path, "embedded.sqlite") });
    const API_URL = await addressOf(program);
    const result = await systemTest({ API_URL, LOGS_DIR: await logsOf("embedded", { "all-in-one": program }) });
    expect(result).toMatchObject({ status: 0, verdicts: allOf("PASS") });
    expect(result.output).toMatch(/PASS list: \d+ GPUs on \d hosts? \(/);
    expect(result.summary).toStartWith(`12 passed, 0 failed, 0 skipped of 12 against ${API_URL} in `);
  });

  test.skipIf(!haveRedisServer())("passes against the six services", async () => {
    await using redis = await startRedisServer();
    const store = { SQLITE_PATH: join(folder.path, "services.sqlite") };
    await using services = await openServices({ runtime: "bun", redis: redis.address, store, streamer: {} });
    const { members, url } = services;
    await services.start("queue-service", "inventory", "telemetry", "collector", "streamer", "api-gateway");
    await services.ready();
    const programs = Object.fromEntries(Object.entries(members).map(([name, { program }]) => [name, program]));
    const result = await systemTest({ API_URL: url, LOGS_DIR: await logsOf("services", programs) });
    expect(result).toMatchObject({ status: 0, verdicts: allOf("PASS") });
  });

  test("fails exactly the check that covers a defect", async () => {
    const LOGS_DIR = await quietLogs();
    const noticed = Object.entries(DAMAGES).map(async ([check, damage]) => {
      await using broken = await serveDamaged(api.api.fetch, damage);
      const result = await systemTest({ API_URL: broken.url, LOGS_DIR, STATIC: "1", DEADLINE: "0" });
      expect(result).toMatchObject({ status: 1, verdicts: allOf("PASS", { [check]: "FAIL" }) });
    });
    expect(noticed).toHaveLength(10);
    await Promise.all(noticed);
  });

  test("fails if no readings arrive, and if a log has errors", async () => {
    const LOGS_DIR = await folderOf("troubled", {
      "all-in-one.log": '{"level":"info","message":"listening"}\n{"level":"error","message":"store is gone"}\n',
    });
    const result = await systemTest({ API_URL: api.url, LOGS_DIR, DEADLINE: "1" });
    expect(result).toMatchObject({ status: 1, verdicts: allOf("PASS", { ingestion: "FAIL", logs: "FAIL" }) });
    expect(result.output).toContain("no new reading within 1 s");
    expect(result.output).toContain("store is gone");
    const crashed = await folderOf("crashed", { "all-in-one.log": "TypeError: undefined is not a function\n" });
    const other = await systemTest({ API_URL: api.url, LOGS_DIR: crashed, STATIC: "1" });
    expect(other.verdicts).toEqual(allOf("PASS", { logs: "FAIL" }));
  });

  test("repeats a request while a dependency is unavailable, until DEADLINE", async () => {
    const LOGS_DIR = await folderOf("recovering", { "all-in-one.log": '{"level":"info","message":"listening"}\n' });
    let refusals = 2;
    const refuseTwice: Damage = (url) =>
      url.search === "?limit=500" && refusals-- > 0 ? Response.json({ status: 503 }, { status: 503 }) : null;
    await using recovering = await serveDamaged(api.api.fetch, refuseTwice);
    const passed = await systemTest({ API_URL: recovering.url, LOGS_DIR, STATIC: "1", DEADLINE: "20" });
    expect(passed).toMatchObject({ status: 0, verdicts: allOf("PASS") });
    refusals = Number.POSITIVE_INFINITY;
    const failed = await systemTest({ API_URL: recovering.url, LOGS_DIR, STATIC: "1", DEADLINE: "1" });
    expect(failed.verdicts).toEqual(allOf("PASS", { order: "FAIL" }));
  });

  test("fails if the API does not answer, and skips the checks that depend on it", async () => {
    const nobody = { API_URL: "http://127.0.0.1:9", LOGS_DIR: await folderOf("none", {}), DEADLINE: "0" };
    const skipped = Object.fromEntries(
      ["detail", "telemetry", "order", "time filter", "structure", "logs"].map((check) => [check, "SKIP"]),
    ) as Record<Check, "SKIP">;
    expect(await systemTest(nobody)).toMatchObject({ status: 1, verdicts: allOf("FAIL", skipped) });
  });

  test("reads logs of the namespace by kubectl or else docker, and skips the check if there are none", async () => {
    const log = '{"level":"info"}';
    const failing = "#!/bin/sh\nexit 1\n";
    const kubectl = `#!/bin/sh
case "$*" in
"config current-context") ;;
"-n blue --request-timeout="*"s get pods -l app="*" -o name") echo pod/some ;;
"-n blue --request-timeout="*"s logs -l app=collector --all-containers --tail=-1") echo '{"level":"error","message":"lost"}' ;;
"-n blue --request-timeout="*"s logs -l app=all-in-one "*) ;;
"-n blue --request-timeout="*"s logs -l app="*) echo '${log}' ;;
*) exit 1 ;;
esac
`;
    const docker = `#!/bin/sh
case "$*" in
version) ;;
"ps -aq --filter label=com.docker.compose.service=all-in-one" | "ps -aq --filter name="*all-in-one*) ;;
"ps -aq --filter label=com.docker.compose.service="*) echo 0123 ;;
"logs 0123") echo '${log}' ;;
*) exit 1 ;;
esac
`;
    const run = async (name: string, shims: Record<string, string>, env: Record<string, string> = {}) => {
      const shimmed = await folderOf(name, { kubectl: failing, docker: failing, ...shims });
      return systemTest({ API_URL: api.url, STATIC: "1", NAMESPACE: "blue", ...env, PATH: `${shimmed}:${ON_PATH}` });
    };
    const cluster = await run("cluster", { kubectl });
    expect(cluster.output).toContain('FAIL logs: collector: {"level":"error","message":"lost"}');
    const engine = await run("engine", { docker });
    expect(engine).toMatchObject({ status: 0, verdicts: allOf("PASS") });
    const none = await run("nothing", {});
    expect(none).toMatchObject({ status: 0, verdicts: allOf("PASS", { logs: "SKIP" }) });
    expect(none.summary).toStartWith("11 passed, 0 failed, 1 skipped of 12");
    expect((await run("strict", {}, { STRICT: "1" })).status).toBe(1);
  });

  test("sends API_TOKEN without showing it in the process list", async () => {
    await using guarded = await openApi({ gpus: 2, config: { apiToken: 'a"b\\c' } });
    const LOGS_DIR = join(folder.path, "quiet");
    const spied = await folderOf("spied", {
      curl: `#!/bin/sh\ncase "$*" in *'b\\c'*) exit 99 ;; esac\nexec ${Bun.which("curl")} "$@"\n`,
    });
    const env = { API_URL: guarded.url, LOGS_DIR, STATIC: "1", PATH: `${spied}:${ON_PATH}` };
    expect(await systemTest({ ...env, API_TOKEN: 'a"b\\c' })).toMatchObject({ status: 0, verdicts: allOf("PASS") });
    expect((await systemTest({ ...env, API_TOKEN: "wrong", DEADLINE: "0" })).verdicts.list).toBe("FAIL");
  });

  test("prints its usage, and refuses invalid arguments", async () => {
    const help = await systemTest({}, "--help");
    expect([help.status, help.output]).toEqual([0, expect.stringContaining("API_URL")]);
    expect((await systemTest({}, "now")).status).toBe(2);
    expect((await systemTest({ DEADLINE: "1m" })).output).toContain('DEADLINE must be a number of seconds, got "1m"');
  });

  test("passes shellcheck", async () => {
    const shellcheck = Bun.which("shellcheck");
    if (shellcheck === null) return void withoutBackend("shellcheck", "shellcheck");
    const child = Bun.spawn([shellcheck, "-x", SYSTEM_TEST], { stdout: "pipe" });
    expect(await new Response(child.stdout).text()).toBe("");
  });
});
