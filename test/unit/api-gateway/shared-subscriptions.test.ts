import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Open,
  type Results,
  SharedSubscriptions,
} from "../../../services/api-gateway/live/shared-subscriptions.ts";
import type { SubgraphContext } from "../../../services/platform/graphql/subgraph.ts";
import { eventually } from "../../support/time/eventually.ts";

/** A source of numbered frames that records each subscription to it. */
function numbered() {
  const asked: SubgraphContext[] = [];
  const live = new Set<(frame: number) => void>();
  let told = 0;
  const counts = { encoded: 0, running: 0 };
  const frame = (kind: string, number: number) => ({
    data: {
      toJSON() {
        counts.encoded++;
        return { kind, number };
      },
      kind,
      number,
    },
  });
  const open: Open = async (part) => {
    asked.push(part);
    let snapshot = part.snapshot ? 1 : 0;
    const frames: number[] = [];
    let wake = () => {};
    let ended = false;
    const listen = (number: number) => {
      frames.push(number);
      wake();
    };
    const end = () => {
      if (!ended) counts.running--;
      ended = true;
      live.delete(listen);
      wake();
    };
    counts.running++;
    if (!part.snapshot) live.add(listen);
    part.signal?.addEventListener("abort", end);
    const results: Results = {
      async next() {
        if (part.snapshot && snapshot-- > 0) return { done: false, value: frame("snapshot", told) };
        if (part.snapshot) end();
        while (frames.length === 0 && !ended) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const number = frames.shift();
        if (ended || number === undefined) return { done: true, value: undefined };
        return { done: false, value: frame(part.resumed ? "alone" : "live", number) };
      },
      async return() {
        end();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => results,
    };
    return results;
  };
  return {
    open,
    asked,
    counts,
    tell: () => {
      told++;
      for (const listen of [...live]) listen(told);
    },
    get told() {
      return told;
    },
  };
}

const settle = async () => {
  for (let n = 0; n < 50; n++) await Promise.resolve();
};
const readerOf = async (shared: SharedSubscriptions, open: Open, left?: AbortSignal) =>
  (await shared.subscribe("key", open, left)) as Results;
// biome-ignore lint/suspicious/noExplicitAny: each test knows its frames
const next = async (reader: Results): Promise<any> => (await reader.next()).value;

describe("equal subscriptions", () => {
  test("subscribe to the source once, and encode each frame once", async () => {
    const source = numbered();
    const shared = new SharedSubscriptions();
    const readers = await Promise.all([1, 2, 3].map(() => readerOf(shared, source.open)));
    expect(source.asked).toHaveLength(1);
    const taken = Promise.all(readers.map(next));
    source.tell();
    const frames = await taken;
    expect(new Set(frames).size).toBe(1);
    for (const frame of frames) expect(frame.stringify()).toBe('{"data":{"kind":"live","number":1}}');
    expect(source.counts.encoded).toBe(1);
    for (const reader of readers) await reader.return?.();
    expect([shared.size, source.counts.running]).toEqual([0, 0]);
  });

  test("give a reader that joins later a snapshot, and lose no frame after it", async () => {
    const source = numbered();
    const shared = new SharedSubscriptions();
    const first = await readerOf(shared, source.open);
    const taken = next(first);
    source.tell();
    await taken;
    const late = await readerOf(shared, source.open);
    const waiting = next(first);
    source.tell();
    await waiting;
    expect(await next(late)).toMatchObject({ data: { kind: "snapshot" } });
    expect(await next(late)).toMatchObject({ data: { kind: "live", number: 2 } });
    await first.return?.();
    const more = next(late);
    source.tell();
    expect(await more).toMatchObject({ data: { kind: "live", number: 3 } });
    await late.return?.();
    await eventually(() => source.counts.running === 0, { what: "the source to end" });
  });

  test("take one snapshot for all readers that join while another is taken", async () => {
    const source = numbered();
    const shared = new SharedSubscriptions();
    const first = await readerOf(shared, source.open);
    void first.next();
    const late = await Promise.all(Array.from({ length: 100 }, () => readerOf(shared, source.open)));
    for (const reader of late) expect((await next(reader)).data.kind).toBe("snapshot");
    expect(source.asked.filter(({ snapshot }) => snapshot).length).toBeLessThanOrEqual(2);
    for (const reader of late) await reader.return?.();
    await first.return?.();
    expect(source.counts.running).toBe(0);
  });

  test("let a slow reader continue alone, and do not delay the others", async () => {
    const source = numbered();
    const shared = new SharedSubscriptions();
    const [slow, fast] = (await Promise.all([1, 2].map(() => readerOf(shared, source.open)))) as [Results, Results];
    const both = Promise.all([next(slow), next(fast)]);
    source.tell();
    await both;
    for (let n = 2; n <= 10; n++) {
      const taken = next(fast);
      source.tell();
      expect(await taken).toMatchObject({ data: { kind: "live", number: n } });
    }
    const alone = next(slow);
    await settle();
    source.tell();
    expect(await alone).toMatchObject({ data: { kind: "alone", number: 11 } });
    expect(source.asked.map(({ resumed }) => resumed === true)).toEqual([false, true]);
    await slow.return?.();
    expect(source.counts.running).toBe(1);
    await fast.return?.();
    expect(source.counts.running).toBe(0);
  });

  test("end when the last reader leaves, also by its signal and while it waits", async () => {
    const source = numbered();
    const shared = new SharedSubscriptions();
    const left = new AbortController();
    const reader = await readerOf(shared, source.open, left.signal);
    const waiting = reader.next();
    left.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await eventually(() => source.counts.running === 0, { what: "the source to end" });
    expect(shared.size).toBe(0);
    const again = await readerOf(shared, source.open);
    const taken = next(again);
    source.tell();
    expect(await taken).toMatchObject({ data: { number: 1 } });
    await again.return?.();
  });

  test("are refused together, and subscribe again afterwards", async () => {
    const shared = new SharedSubscriptions();
    let asked = 0;
    const refuse: Open = async () => {
      asked++;
      return { data: null };
    };
    expect(await Promise.all([1, 2].map(() => shared.subscribe("key", refuse, undefined)))).toEqual([
      { data: null },
      { data: null },
    ]);
    expect([asked, shared.size]).toEqual([1, 0]);
    const fail: Open = () => Promise.reject(new Error("no"));
    await expect(shared.subscribe("key", fail, undefined)).rejects.toThrow("no");
    expect(shared.size).toBe(0);
  });

  test("give each reader all frames after its snapshot in order, until it continues alone", async () => {
    const step = fc.oneof(
      fc.constant({ kind: "tell" as const }),
      fc.constant({ kind: "join" as const }),
      fc.record({ kind: fc.constant("take" as const), who: fc.nat(9) }),
      fc.record({ kind: fc.constant("leave" as const), who: fc.nat(9) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120, size: "max" }), async (steps) => {
        const source = numbered();
        const shared = new SharedSubscriptions();
        const readers: { results: Results; seen: [string, number][]; pending: boolean }[] = [];
        for (const action of steps) {
          const reader = "who" in action ? readers[action.who % Math.max(1, readers.length)] : undefined;
          if (action.kind === "tell") source.tell();
          else if (action.kind === "join") {
            readers.push({ results: await readerOf(shared, source.open), seen: [], pending: false });
          } else if (action.kind === "leave" && reader !== undefined) {
            await reader.results.return?.();
            readers.splice(readers.indexOf(reader), 1);
          } else if (reader !== undefined && !reader.pending) {
            reader.pending = true;
            void reader.results.next().then(({ done, value }) => {
              reader.pending = false;
              const { kind, number } = (value?.data ?? {}) as { kind: string; number: number };
              if (!done) reader.seen.push([kind, number]);
            });
          }
          await settle();
        }
        for (const { seen } of readers) {
          const live = seen.filter(([kind]) => kind !== "snapshot").map(([, number]) => number);
          const wentAlone = seen.findIndex(([kind]) => kind === "alone");
          const contiguous = seen.filter(([kind]) => kind === "live").map(([, number]) => number);
          if (contiguous.some((number, n) => n > 0 && number !== (contiguous[n - 1] as number) + 1)) return false;
          if (live.some((number, n) => n > 0 && number <= (live[n - 1] as number))) return false;
          if (wentAlone !== -1 && seen.slice(wentAlone).some(([kind]) => kind !== "alone")) return false;
          if (seen.some(([kind], n) => kind === "snapshot" && n > 0)) return false;
        }
        for (const { results } of readers) await results.return?.();
        await settle();
        return source.counts.running === 0 && shared.size === 0;
      }),
      { numRuns: 200 },
    );
  });
});
