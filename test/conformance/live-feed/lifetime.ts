/** Conformance of subscriptions: when one begins and ends, and how many there may be. */
import { expect, test } from "bun:test";
import { isPending } from "../../support/time/pending.ts";
import { frame, live, type OpenLiveFeed, publish, values, watch } from "./bench.ts";

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "resolved",
    (error) => String(error.code ?? error),
  );

export function lifetimeConformance(open: OpenLiveFeed): void {
  test("liveFeed.subscribe() yields what is published after it resolves, and nothing from before", async () => {
    await using bench = await open();
    await publish(bench, { after: 0, value: 1 });
    const frames = await watch(bench);
    await publish(bench, { after: 1000, value: 2 });
    expect(await frame(frames)).toEqual({ readings: [live({ after: 1000, value: 2 })], missed: 0 });
  });

  test("liveFeed.subscribe() waits for the first reading that passes the filter", async () => {
    await using bench = await open();
    const frames = await watch(bench, { filter: { above: 90 } });
    const first = frame(frames);
    await publish(bench, { value: 50 });
    expect(await isPending(first)).toBe(true);
    await publish(bench, { after: 1000, value: 91 });
    expect((await first).readings).toEqual([live({ after: 1000, value: 91 })]);
  });

  test("liveFeed.subscribe() answers concurrent next() calls in their order", async () => {
    await using bench = await open();
    const frames = await watch(bench);
    const [first, second] = [values(frames), values(frames)];
    expect(await isPending(Promise.race([first, second]))).toBe(true);
    await publish(bench, { after: 0, value: 1 });
    expect(await first).toEqual([1]);
    await publish(bench, { after: 1000, value: 2 });
    expect(await second).toEqual([2]);
  });

  test("liveFeed.subscribe() ends when its signal aborts: while it waits, between frames, before it begins", async () => {
    await using bench = await open();
    const [waiting, pacing] = [new AbortController(), new AbortController()];
    const idle = await watch(bench, { signal: waiting.signal, filter: { above: 1000 } });
    const paced = await watch(bench, { signal: pacing.signal, minIntervalMs: 60_000 });
    await publish(bench, { after: 0, value: 1 });
    await frame(paced);
    const ends = [idle.next(), paced.next()];
    await publish(bench, { after: 1000, value: 2 });
    waiting.abort();
    pacing.abort();
    expect(await Promise.all(ends)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    const late = await watch(bench, { signal: pacing.signal });
    await publish(bench, { after: 2000, value: 3 });
    expect(await late.next()).toEqual({ done: true, value: undefined });
    expect(await idle.next()).toEqual({ done: true, value: undefined });
  });

  test("liveFeed.subscribe() ends when its reader returns, also during a next()", async () => {
    await using bench = await open();
    const left = await watch(bench);
    const pending = left.next();
    expect(await left.return?.()).toEqual({ done: true, value: undefined });
    expect((await pending).done).toBe(true);
    const broken = await watch(bench);
    await publish(bench, { value: 1 });
    for await (const { readings } of broken) {
      expect(readings.length).toBe(1);
      break;
    }
    await publish(bench, { after: 1000, value: 2 });
    expect((await broken.next()).done).toBe(true);
  });

  test("liveFeed, once closed, has ended every subscription and throws unavailable", async () => {
    await using bench = await open();
    const [waiting, unread] = [await watch(bench), await watch(bench)];
    await publish(bench, { value: 1 });
    await frame(waiting);
    const pending = waiting.next();
    await bench.feed[Symbol.asyncDispose]();
    expect((await pending).done).toBe(true);
    expect((await unread.next()).done).toBe(true);
    expect(await codeOf(watch(bench))).toBe("unavailable");
    expect(await codeOf(bench.feed.publish([]))).toBe("unavailable");
    expect(await codeOf(bench.feed.ping())).toBe("unavailable");
  });

  test("liveFeed.subscribe() refuses one subscriber too many until another has left", async () => {
    await using bench = await open({ maxSubscribers: 2 });
    const leaving = new AbortController();
    const first = await watch(bench, { signal: leaving.signal });
    const second = await watch(bench);
    expect(await codeOf(watch(bench))).toBe("overloaded");
    leaving.abort();
    const third = await watch(bench);
    expect(await codeOf(watch(bench))).toBe("overloaded");
    await second.return?.();
    const fourth = await watch(bench);
    await publish(bench, { value: 1 });
    expect([await values(third), await values(fourth), (await first.next()).done]).toEqual([[1], [1], true]);
  });
}
