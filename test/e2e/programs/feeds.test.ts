import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { SAMPLE_GPUS } from "../../../services/all-in-one/sample-gpus.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { ask, type GpuList, onePass, sourceEnded } from "../../support/programs/all-in-one.ts";
import { addressOf, BUN, type Program, ROOT, startProgram } from "../../support/programs/process.ts";
import { smallExport } from "../../support/sources/dcgm-export.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

/** Runs `start` in a folder of its own, so that default paths are in it. */
const start = (cwd: string, env: Record<string, string> = {}): Program =>
  startProgram(["env", "-C", cwd, BUN, join(ROOT, "services/all-in-one/start.ts")], {
    PORT: "0",
    LOG_FORMAT: "json",
    ...env,
  });

const event = (program: Program, message: string) =>
  program.logLine((line) => line.message === message, { what: message });
const gpusOf = async (address: string) => (await ask<GpuList>(`${address}/api/v1/gpus`)).gpus.map(({ uuid }) => uuid);

test("start without files streams the sample into a store of its own, and says so", async () => {
  await using own = await temporaryFolder();
  await using program = start(own.path);
  expect(await event(program, "streaming the sample: simulated GPUs, no real data")).toMatchObject({
    store: ".data/sample.sqlite",
  });
  const address = await addressOf(program);
  expect(await ask<unknown>(`${address}/about.json`)).toMatchObject({ sample: true });
});

test("start without files serves a store with real data, and streams nothing", async () => {
  await using own = await temporaryFolder();
  const csv = await smallExport(folder.path);
  {
    await using first = start(own.path, { CSV_PATH: csv.path, LOOP_MODE: "false", STREAM_INTERVAL: "0" });
    await sourceEnded(first);
  }
  await using program = start(own.path);
  expect(await event(program, "streaming nothing")).toMatchObject({ store: ".data/telemetry.sqlite" });
  const address = await addressOf(program);
  expect(await ask<unknown>(`${address}/about.json`)).toMatchObject({ sample: false });
  const gpus = await gpusOf(address);
  expect(gpus).toHaveLength(247);
  expect(gpus.filter((uuid) => SAMPLE_GPUS.has(uuid))).toEqual([]);
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
});

test("start keeps the sample out of a named store with real data", async () => {
  const csv = await smallExport(folder.path);
  const store = join(folder.path, "named.sqlite");
  {
    await using first = start(ROOT, onePass(csv.path, store));
    await sourceEnded(first);
  }
  await using program = start(ROOT, { SQLITE_PATH: store });
  expect(await event(program, "streaming nothing")).toMatchObject({ store });
});

test("a second process refuses to stream a source into the store that the first streams it into", async () => {
  const store = join(folder.path, "shared.sqlite");
  const sample = join(ROOT, "data/sample.csv.gz");
  await using first = start(ROOT, { SQLITE_PATH: store, CSV_PATH: sample });
  const address = await addressOf(first);
  await event(first, "streaming");
  for (const args of [["start.ts"], ["ingest.ts", sample]]) {
    const [name = "", ...files] = args;
    await using second = startProgram([BUN, `services/all-in-one/${name}`, ...files], {
      PORT: "0",
      SQLITE_PATH: store,
      CSV_PATH: sample,
    });
    expect(await second.exited).toBe(1);
    const said = second.output.stdout + second.output.stderr;
    expect(said).toContain(`is already streamed into ${store} by process ${first.pid} (start, ${address}`);
  }
  await using server = start(ROOT, { SQLITE_PATH: store, CSV_PATH: "none" });
  await event(server, "streaming nothing");
  expect((await gpusOf(await addressOf(server))).length).toBeGreaterThan(0);
});

test("a process takes over the source of a process that was killed", async () => {
  const env = { SQLITE_PATH: join(folder.path, "killed.sqlite"), CSV_PATH: join(ROOT, "data/sample.csv.gz") };
  await using first = start(ROOT, env);
  await event(first, "streaming");
  first.kill("SIGKILL");
  await first.exited;
  await using second = start(ROOT, env);
  await event(second, "streaming");
});
