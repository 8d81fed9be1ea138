/** The scraper as a process: it sends over the HTTP API to a queue in the process of the test. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { readCollectorConfig } from "../../../services/collector/config.ts";
import { runCollector } from "../../../services/collector/service.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { addressOf, onRuntime, type Program, startProgram } from "../../support/programs/process.ts";
import { drained } from "../../support/queue/drained.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { heldReadings } from "../../support/repository/held-readings.ts";
import { serveSmallFleet, spooledBatches } from "../../support/scraper/spooled.ts";
import { type FaultProxy, openFaultProxy } from "../../support/servers/fault-proxy.ts";
import { readingText } from "../../support/sources/memory-files.ts";
import { batchesIn, storedOf } from "../../support/streamer/streamed.ts";
import { eventually } from "../../support/time/eventually.ts";

interface Bench extends AsyncDisposable {
  readonly queue: Queue;
  /** Between the scraper and queue-service. */
  readonly link: FaultProxy;
  readonly spool: string;
  start(env?: Record<string, string>): Program;
}

async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const fleet = opened.use(await serveSmallFleet());
  const queue = opened.use(openMemoryQueue({ clock: systemClock, maxBytes: 64 * 1024 * 1024, maxDeliveries: 5 }));
  const server = opened.use(await openQueueServer(queue, { token: "secret" }));
  const link = opened.use(await openFaultProxy({ host: "127.0.0.1", port: Number(new URL(server.url).port) }));
  const spool = join(folder.path, "spool");
  const common = {
    QUEUE_SERVICE_URL: `http://${link.address}`,
    INTERNAL_TOKEN: "secret",
    SCRAPE_TARGETS: fleet.metrics.join(),
    SCRAPE_INTERVAL: "1s",
    SPOOL_PATH: spool,
    PORT: "0",
  };
  const all = opened.move();
  return {
    queue,
    link,
    spool,
    start: (env = {}) => startProgram(onRuntime("bun", "services/scraper/main.ts"), { ...common, ...env }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const published = async (queue: Queue): Promise<number> => (await queue.stats()).counters.published;
const figure = async (program: Program, name: string): Promise<number> => {
  const text = await (await fetch(`${await addressOf(program)}/metrics`)).text();
  return Number(new RegExp(`^gpu_telemetry_${name} (\\S+)$`, "m").exec(text)?.[1]);
};
const readiness = async (program: Program): Promise<{ status: number; answer: unknown }> => {
  const response = await fetch(`${await addressOf(program)}/readyz`);
  return { status: response.status, answer: await response.json() };
};

/** Compares what the queue got with what the spool holds: the same batches, each once. */
async function expectSentOnce({ queue, spool }: Bench): Promise<void> {
  const recorded = await spooledBatches(spool);
  const sent = await batchesIn(queue);
  expect(sent.length).toBe(recorded.length);
  expect(heldReadings(sent)).toEqual(heldReadings(recorded));
}

/** Runs a collector until the queue is empty. Returns the stored readings, sorted. */
async function collect(queue: Queue): Promise<string[]> {
  await using folder = await temporaryFolder();
  const log = silentLogger;
  const store = { kind: "sqlite", path: join(folder.path, "store.sqlite"), retentionMs: 0 } as const;
  await using repository = await openRepository(store, { clock: systemClock, log });
  const stop = new AbortController();
  const ended = runCollector(readCollectorConfig({}), {
    ...{ queue, repository, clock: systemClock, log, signal: stop.signal, retentionMs: 0 },
    liveFeed: { publish: async () => undefined },
  });
  await drained(queue);
  stop.abort();
  await ended;
  const { gpus } = await repository.gpus({ limit: 100 });
  const stored: string[] = [];
  for (const { uuid } of gpus) {
    const { readings, next } = await repository.readings(uuid, ALL_TIME, { limit: 10_000 });
    expect(next).toBeNull();
    for (const { series, at, value } of readings) stored.push(readingText(uuid, series, at, value));
  }
  return stored.sort();
}

test("scraper that is killed sends everything it has recorded once, also what it recorded without a queue", async () => {
  await using bench = await openBench();
  for (const enough of [2, 7, 12]) {
    await using program = bench.start();
    await eventually(async () => (await published(bench.queue)) >= enough, { what: `${enough} batches` });
    program.kill("SIGKILL");
    await program.exited;
  }
  {
    await using _refused = await bench.link.refuse();
    await using program = bench.start();
    await eventually(async () => (await figure(program, "scraper_scrapes_total")) >= 6, { what: "six scrapes" });
    program.kill("SIGKILL");
    await program.exited;
  }
  await using program = bench.start();
  const before = await published(bench.queue);
  await eventually(async () => (await published(bench.queue)) >= before + 9, { what: "nine more batches" });
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
  expect(await collect(bench.queue)).toEqual(storedOf(await spooledBatches(bench.spool)));
});

test("scraper stopped by SIGTERM first sends what is in its spool", async () => {
  await using bench = await openBench();
  await using program = bench.start();
  await eventually(async () => (await published(bench.queue)) >= 1, { what: "a batch" });
  const stall = bench.link.stall();
  await eventually(async () => (await figure(program, "scraper_scrapes_total")) >= 9, { what: "nine scrapes" });
  expect(await published(bench.queue)).toBeLessThan(9);
  program.kill("SIGTERM");
  await program.logLine(({ message }) => message === "stopping", { what: "the stop" });
  stall[Symbol.dispose]();
  expect(await program.exited).toBe(0);
  await expectSentOnce(bench);
});

test("scraper stays ready while the queue is away, and ends on SIGTERM", async () => {
  await using bench = await openBench();
  await using _refused = await bench.link.refuse();
  await using program = bench.start();
  await eventually(async () => (await readiness(program)).status === 200, { what: "/readyz" });
  await eventually(async () => JSON.stringify(await readiness(program)).includes("degraded"), { what: "the outage" });
  expect(await readiness(program)).toMatchObject({ status: 200, answer: { degraded: { queue: expect.any(String) } } });
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
});

test("scraper does not start with the spool of another one, or with version 1", async () => {
  await using bench = await openBench();
  await using first = bench.start();
  await addressOf(first);
  await using second = bench.start();
  expect(await second.exited).toBe(1);
  expect(second.output.stdout).toContain("folder must be one that no other process uses");
  await using third = bench.start({ FORMAT: "1" });
  expect(await third.exited).toBe(2);
  expect(third.output.stderr).toContain("FORMAT must be 2");
});
