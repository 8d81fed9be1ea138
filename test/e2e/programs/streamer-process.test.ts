/** The streamer as a process: it publishes over the HTTP API to a queue in the process of the test. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { addressOf, onRuntime, type Program, startProgram } from "../../support/programs/process.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { heldReadings } from "../../support/repository/held-readings.ts";
import { type FaultProxy, openFaultProxy } from "../../support/servers/fault-proxy.ts";
import { type DcgmExport, largeExport } from "../../support/sources/dcgm-export.ts";
import { batchesIn } from "../../support/streamer/streamed.ts";
import { eventually } from "../../support/time/eventually.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

let csv: DcgmExport;
beforeAll(async () => {
  csv = await largeExport(folder.path);
});

interface Bench extends AsyncDisposable {
  readonly queue: Queue;
  /** Between the streamer and queue-service. */
  readonly link: FaultProxy;
  start(env?: Record<string, string>): Program;
}

async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack();
  const queue = opened.use(openMemoryQueue({ clock: systemClock, maxBytes: 64 * 1024 * 1024, maxDeliveries: 5 }));
  const server = opened.use(await openQueueServer(queue, { token: "secret" }));
  const link = opened.use(await openFaultProxy({ host: "127.0.0.1", port: Number(new URL(server.url).port) }));
  const all = opened.move();
  const common = {
    QUEUE_SERVICE_URL: `http://${link.address}`,
    INTERNAL_TOKEN: "secret",
    CSV_PATH: csv.path,
    LOOP_MODE: "false",
    STREAM_INTERVAL: "0",
    PORT: "0",
  };
  return {
    queue,
    link,
    start: (env = {}) => startProgram(onRuntime("bun", "services/streamer/main.ts"), { ...common, ...env }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const published = async (queue: Queue): Promise<number> => (await queue.stats()).counters.published;
const readiness = async (program: Program) => {
  const response = await fetch(`${await addressOf(program)}/readyz`);
  const { dependencies = {} } = (await response.json()) as { dependencies?: Record<string, string> };
  return { status: response.status, dependencies };
};

test("streamer exits with 0 once the last batch is confirmed, and sends nothing after a restart", async () => {
  await using bench = await openBench();
  for (const run of ["first", "second"]) {
    await using program = bench.start();
    expect({ run, status: await program.exited }).toEqual({ run, status: 0 });
  }
  expect(heldReadings(await batchesIn(bench.queue))).toEqual(csv.expected);
  expect((await bench.queue.stats()).counters).toMatchObject({ readings: csv.readings, duplicates: 0 });
});

test("streamer with AT_END=wait stays ready after the end of its source, and exits with 0 on SIGTERM", async () => {
  await using bench = await openBench();
  await using program = bench.start({ AT_END: "wait" });
  await program.logLine(({ message }) => message === "source ended", { what: "the end of the source" });
  expect((await readiness(program)).status).toBe(200);
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
  expect(heldReadings(await batchesIn(bench.queue))).toEqual(csv.expected);
});

test("streamer with small batches reads on while it waits for the queue", async () => {
  await using bench = await openBench();
  await using program = bench.start({ BATCH_SIZE: "100" });
  await program.logLine(({ message }) => message === "source ended", { what: "the end of the source" });
  expect((await bench.queue.stats()).counters).toMatchObject({ readings: csv.readings, duplicates: 0 });
});

test("streamer exits with 1 when it cannot read a file, after it has sent all others", async () => {
  await using bench = await openBench();
  const several = join(folder.path, "several");
  await mkdir(several);
  await writeFile(join(several, "a.csv"), "this,is,another,header\n1,2,3,4\n");
  await Bun.write(join(several, "b.csv"), Bun.file(csv.path));
  await using program = bench.start({ CSV_PATH: several });
  expect(await program.exited).toBe(1);
  expect((await bench.queue.stats()).counters.readings).toBe(csv.readings);
  await using lost = bench.start({ CSV_PATH: join(folder.path, "no-such.csv") });
  expect(await lost.exited).toBe(1);
  expect(lost.output.stdout).toContain("no-such.csv");
});

test("streamer stopped by SIGTERM resumes where it stopped: it skips and repeats no reading", async () => {
  await using bench = await openBench();
  const paced = { STREAM_INTERVAL: "1ms", BATCH_SIZE: "100" };
  for (const enough of [50, 200]) {
    await using program = bench.start(paced);
    await eventually(async () => (await published(bench.queue)) >= enough, { what: `${enough} batches` });
    program.kill("SIGTERM");
    expect(await program.exited).toBe(130);
  }
  await using last = bench.start();
  expect(await last.exited).toBe(0);
  expect(heldReadings(await batchesIn(bench.queue))).toEqual(csv.expected);
  expect((await bench.queue.stats()).counters.readings).toBe(csv.readings);
});

test("streamer that loops exits with 0 on SIGTERM, even while the queue does not answer", async () => {
  await using bench = await openBench();
  await using program = bench.start({ LOOP_MODE: "true", STREAM_INTERVAL: "1ms" });
  await eventually(async () => (await published(bench.queue)) > 0, { what: "a batch" });
  using _stall = bench.link.stall();
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
});

test("streamer that is killed resumes at the position of the queue: it skips and repeats no reading", async () => {
  await using bench = await openBench();
  for (const enough of [20, 60, 120, 240]) {
    await using program = bench.start({ STREAM_INTERVAL: "1ms", BATCH_SIZE: "100" });
    await eventually(async () => (await published(bench.queue)) >= enough, { what: `${enough} batches` });
    program.kill("SIGKILL");
    await program.exited;
  }
  await using last = bench.start();
  expect(await last.exited).toBe(0);
  const batches = await batchesIn(bench.queue);
  expect(batches.map(({ seq }) => seq)).toEqual(batches.map((_, index) => index + 1));
  expect(heldReadings(batches)).toEqual(csv.expected);
  expect((await bench.queue.stats()).counters.readings).toBe(csv.readings);
});

test("streamer is not ready while the queue is unavailable, and recovers", async () => {
  await using bench = await openBench();
  const refused = await bench.link.refuse();
  await using program = bench.start();
  const isUnavailable = async () => {
    const { status, dependencies } = await readiness(program);
    return status === 503 && dependencies.queue?.includes("queue is unavailable");
  };
  await eventually(isUnavailable, { what: "/readyz to name the queue" });
  expect((await fetch(`${await addressOf(program)}/healthz`)).status).toBe(200);
  await refused[Symbol.asyncDispose]();
  expect(await program.exited).toBe(0);
  expect((await bench.queue.stats()).counters.readings).toBe(csv.readings);
});

test("streamer serves metrics and is ready while it streams", async () => {
  await using bench = await openBench();
  await using program = bench.start({ LOOP_MODE: "true", STREAM_INTERVAL: "1ms" });
  await eventually(async () => (await published(bench.queue)) > 0, { what: "a batch" });
  expect((await readiness(program)).status).toBe(200);
  const text = await (await fetch(`${await addressOf(program)}/metrics`)).text();
  expect(text).toMatch(/^gpu_telemetry_streamer_readings_total [1-9]/m);
  expect((await fetch(`${await addressOf(program)}/nothing`)).status).toBe(404);
});
