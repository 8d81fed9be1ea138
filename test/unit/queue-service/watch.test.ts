import { beforeEach, expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { QUEUE_COUNTERS, type QueueStats } from "../../../services/queue/port.ts";
import { createQueueWatch, type QueueFigures } from "../../../services/queue-service/watch.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

let clock: ManualClock;
let asked: number;
let counted: { published: number; acked: number };
let isDown: boolean;
let watch: ReturnType<typeof createQueueWatch>;
beforeEach(() => {
  clock = new ManualClock();
  asked = 0;
  counted = { published: 0, acked: 0 };
  isDown = false;
  watch = createQueueWatch({ stats }, clock);
});

async function stats(): Promise<QueueStats> {
  asked++;
  if (isDown) throw new AppError("Redis is unavailable", { code: "unavailable" });
  const none = Object.fromEntries(QUEUE_COUNTERS.map((name) => [name, 0])) as QueueStats["counters"];
  const counters = { ...none, ...counted };
  return { ready: 0, leased: 0, delayed: 0, dead: 0, bytes: 0, oldestAgeMs: 0, orphans: 0, counters };
}

const nextOf = async (watcher: AsyncIterator<QueueFigures>): Promise<QueueFigures> => (await watcher.next()).value;

test("watchQueue() yields figures at once, and rates from the second figures on", async () => {
  const watcher = watch();
  expect((await nextOf(watcher)).rates).toBeNull();
  counted = { published: 30, acked: 10 };
  await clock.advance(1000);
  const { stats, rates } = await nextOf(watcher);
  expect(stats.counters.published).toBe(30);
  expect(rates).toEqual({ publishedPerSecond: 30, ackedPerSecond: 10 });
  counted = { published: 30, acked: 25 };
  await clock.advance(1000);
  expect((await nextOf(watcher)).rates).toEqual({ publishedPerSecond: 0, ackedPerSecond: 15 });
});

test("watchQueue() queries the queue once a second for all watchers, and never without one", async () => {
  const watchers = [watch(), watch(), watch()];
  await clock.advance(3000);
  expect(asked).toBe(4);
  const late = watch();
  expect((await nextOf(late)).rates).toEqual({ publishedPerSecond: 0, ackedPerSecond: 0 });
  expect(asked).toBe(4);
  for (const watcher of [...watchers, late]) await watcher.return?.();
  expect(clock.sleeping).toBe(0);
  await clock.advance(10_000);
  expect(asked).toBe(4);
  expect((await nextOf(watch())).rates).toBeNull();
  expect(asked).toBe(5);
});

test("watchQueue() yields the newest figures alone to a slow reader", async () => {
  const watcher = watch();
  await nextOf(watcher);
  for (const published of [1, 2, 3]) {
    counted = { published, acked: 0 };
    await clock.advance(1000);
  }
  expect((await nextOf(watcher)).stats.counters.published).toBe(3);
  let more = false;
  void watcher.next().then(() => {
    more = true;
  });
  await clock.advance(999);
  expect(more).toBe(false);
});

test("watchQueue() yields nothing during an outage, then resumes without rates", async () => {
  const watcher = watch();
  await nextOf(watcher);
  isDown = true;
  await clock.advance(5000);
  expect(asked).toBe(6);
  const next = nextOf(watcher);
  const late = nextOf(watch());
  isDown = false;
  counted = { published: 500, acked: 400 };
  await clock.advance(1000);
  expect((await next).rates).toBeNull();
  expect((await late).stats.counters.published).toBe(500);
  // Redis has lost its data: the counters are lower than before.
  counted = { published: 1, acked: 0 };
  await clock.advance(1000);
  expect((await nextOf(watcher)).rates).toBeNull();
});

test("watchQueue() ends at once when its reader returns or its signal aborts, also while it waits", async () => {
  const leaving = new AbortController();
  const [returned, aborted] = [watch(), watch(leaving.signal)];
  for (const watcher of [returned, aborted]) await nextOf(watcher);
  const waiting = [returned.next(), aborted.next()];
  await returned.return?.();
  leaving.abort();
  for (const result of await Promise.all(waiting)) expect(result).toEqual({ done: true, value: undefined });
  expect(clock.sleeping).toBe(0);
  expect(await watch(leaving.signal).next()).toEqual({ done: true, value: undefined });
  await clock.advance(5000);
  expect(asked).toBe(1);
});
