import { expect, test } from "bun:test";
import { Turns } from "../../../services/platform/process/turns.ts";

const TURN_MS = 5;

/** Work that blocks the event loop for longer than a turn. */
function work(): void {
  const end = performance.now() + TURN_MS + 1;
  while (performance.now() < end);
}

/** Starts work for each caller at the same time. Resolves to the callers in the order of their starts. */
async function startsOf(callers: readonly string[], between: () => void = () => {}): Promise<string[]> {
  const turns = new Turns();
  const starts: string[] = [];
  await Promise.all(
    callers.map(async (caller) => {
      await turns.enter(caller);
      starts.push(caller);
      work();
      setImmediate(between);
    }),
  );
  return starts;
}

test("enter() lets other events be handled between two starts", async () => {
  let others = 0;
  const seen: number[] = [];
  const timer = setInterval(() => others++, 1);
  const turns = new Turns();
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      await turns.enter("a");
      seen.push(others);
      work();
    }),
  );
  clearInterval(timer);
  expect(new Set(seen).size).toBeGreaterThan(5);
});

test("enter() starts a caller with one call before most calls of a caller with many", async () => {
  const starts = await startsOf([...Array(20).fill("many"), "one"]);
  expect(starts.length).toBe(21);
  expect(starts.indexOf("one")).toBeLessThan(5);
});

test("enter() serves a caller with many calls while others keep coming", async () => {
  const turns = new Turns();
  const starts: string[] = [];
  const run = async (caller: string) => {
    await turns.enter(caller);
    starts.push(caller);
    work();
  };
  const many = Array.from({ length: 5 }, () => run("many"));
  let isOver = false;
  const others = Array.from({ length: 2 }, async (_, other) => {
    while (!isOver && starts.length < 200) await run(`other ${other}`);
  });
  await Promise.all(many);
  isOver = true;
  await Promise.all(others);
  expect(starts.filter((caller) => caller === "many")).toHaveLength(5);
  expect(starts.length).toBeLessThan(100);
});

test("enter() resolves when its signal aborts, and takes no turn", async () => {
  const turns = new Turns();
  const stop = new AbortController();
  await turns.enter("a");
  work();
  const aborted = turns.enter("a", { signal: stop.signal });
  const next = turns.enter("a");
  stop.abort();
  await Promise.all([aborted, next]);
});
