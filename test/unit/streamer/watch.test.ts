import { expect, test } from "bun:test";
import { keptLog } from "../../support/process/kept-log.ts";
import { fleetRows, MemoryFiles, type MemoryRow, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 3, ticks: 6, metrics: 2 });
const others = fleetRows({ gpus: 2, ticks: 4, metrics: 5 });

/** Runs one event after each look at the sources, and stops the streamer after the last. */
class Looks extends InstantClock {
  readonly #events: (() => void)[];
  readonly #stop = new AbortController();

  constructor(events: readonly (() => void)[]) {
    super();
    this.#events = [...events];
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  override async sleep(ms: number): Promise<void> {
    const event = this.#events.shift();
    if (event === undefined) this.#stop.abort();
    else event();
    await super.sleep(ms);
  }
}

const many = (count: number) => Array.from({ length: count }, () => () => {});

async function watched(files: MemoryFiles, events: readonly (() => void)[]) {
  const clock = new Looks(events);
  const queue = openTestQueue(clock);
  const { log, lines } = keptLog();
  const summary = await stream({ watch: true }, { clock, queue, sources: files, signal: clock.signal, log });
  return { summary, lines, batches: await batchesIn(queue), looks: clock.slept.length };
}

test("runStreamer() watching sends rows that sources gain and sources that are new, each row once", async () => {
  const files = new MemoryFiles({ "/data/a": rows.slice(0, 12) });
  const gain = (more: readonly MemoryRow[]) => () => void files.contents.get("/data/a")?.push(...more);
  const { batches } = await watched(files, [
    gain(rows.slice(12, 15)),
    () => {},
    gain(rows.slice(15)),
    () => void files.contents.set("/data/b", [...others]),
  ]);
  expect(storedOf(batches)).toEqual(readingsOf([...rows, ...others]));
  expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length + others.length);
});

test("runStreamer() watching waits for the first source, and survives that all are gone", async () => {
  const files = new MemoryFiles({});
  const { batches } = await watched(files, [
    () => {},
    () => void files.contents.set("/data/a", [...rows]),
    () => void files.contents.delete("/data/a"),
    () => void files.contents.set("/data/b", [...others]),
  ]);
  expect(storedOf(batches)).toEqual(readingsOf([...rows, ...others]));
});

test("runStreamer() watching opens a source again only when its size has changed, and once a minute", async () => {
  const files = new MemoryFiles({ "/data/a": rows });
  let opened = 0;
  const open = files.open.bind(files);
  files.open = (source) => {
    opened++;
    return open(source);
  };
  const { looks } = await watched(files, many(100));
  expect([looks, opened]).toEqual([101, 2]);
});

test("runStreamer() watching logs a source that cannot be read once, and sends the others", async () => {
  const files = new MemoryFiles({ "/data/a": [{ skip: "time" }], "/data/b": rows });
  const { summary, lines, batches } = await watched(files, many(130));
  expect(storedOf(batches)).toEqual(readingsOf(rows));
  expect(summary.failed).toBe(true);
  expect(lines.filter(({ message }) => message === "source cannot be read to its end")).toHaveLength(1);
});

test("runStreamer() watching sends again what the queue has lost", async () => {
  const files = new MemoryFiles({ "/data/a": rows.slice(0, 12), "/data/b": [...others] });
  const clock = new Looks([() => {}]);
  let queue = openTestQueue(clock);
  const lossy = new Proxy({} as typeof queue, { get: (_, name) => Reflect.get(queue, name).bind(queue) });
  const events = new Looks([
    () => {
      queue = openTestQueue(clock);
      files.contents.get("/data/a")?.push(...rows.slice(12));
    },
    ...many(3),
  ]);
  await stream({ watch: true }, { clock: events, queue: lossy, sources: files, signal: events.signal });
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf([...rows, ...others]));
});
