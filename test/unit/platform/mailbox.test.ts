/** The mailbox: order, bounds, and how it ends from either side. */
import { describe, expect, test } from "bun:test";
import { Mailbox } from "../../../services/platform/process/mailbox.ts";
import { settled } from "../../support/time/manual-clock.ts";

const DONE = { done: true as const, value: undefined };
const item = <T>(value: T) => ({ done: false as const, value });

async function all<T>(mailbox: Mailbox<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const each of mailbox) items.push(each);
  return items;
}

describe("push() and next()", () => {
  test("hand over items in order, pushed before they are asked for or after", async () => {
    const mailbox = new Mailbox<number>({ capacity: 4 });
    mailbox.push(1);
    mailbox.push(2);
    const asked = [mailbox.next(), mailbox.next(), mailbox.next(), mailbox.next()];
    expect(mailbox.isAwaited).toBe(true);
    mailbox.push(3);
    mailbox.push(4);
    expect(await Promise.all(asked)).toEqual([item(1), item(2), item(3), item(4)]);
    expect([mailbox.isAwaited, mailbox.size]).toEqual([false, 0]);
  });

  test("hand over undefined and null as items", async () => {
    const mailbox = new Mailbox<null | undefined>({ capacity: 2 });
    mailbox.push(undefined);
    mailbox.push(null);
    mailbox.end();
    expect(await all(mailbox)).toEqual([undefined, null]);
  });

  test("refuse an item beyond the capacity and keep those before it", async () => {
    const mailbox = new Mailbox<number>({ capacity: 2 });
    expect([1, 2, 3].map((value) => mailbox.push(value))).toEqual([true, true, false]);
    expect(await mailbox.next()).toEqual(item(1));
    expect(mailbox.push(4)).toBe(true);
    mailbox.end();
    expect(await all(mailbox)).toEqual([2, 4]);
  });

  test("do not count an item against the capacity that goes straight to a waiting reader", async () => {
    const mailbox = new Mailbox<number>({ capacity: 1 });
    const asked = mailbox.next();
    expect([mailbox.push(1), mailbox.push(2), mailbox.push(3)]).toEqual([true, true, false]);
    expect([await asked, mailbox.size]).toEqual([item(1), 1]);
  });

  test("merge into the item that has waited shortest when full", async () => {
    const mailbox = new Mailbox<string>({ capacity: 2, merge: (waiting, pushed) => waiting + pushed });
    expect(["a", "b", "c", "d"].map((value) => mailbox.push(value))).toEqual([true, true, true, true]);
    mailbox.end();
    expect(await all(mailbox)).toEqual(["a", "bcd"]);
  });

  test("call onTake with each item when the reader gets it, not when it is pushed", async () => {
    const taken: number[] = [];
    const mailbox = new Mailbox<number>({ capacity: 4, onTake: (value) => taken.push(value) });
    mailbox.push(1);
    mailbox.push(2);
    expect(taken).toEqual([]);
    await mailbox.next();
    expect(taken).toEqual([1]);
    await mailbox.next();
    void mailbox.next();
    mailbox.push(3);
    expect(taken).toEqual([1, 2, 3]);
  });
});

describe("end() and fail()", () => {
  test("end() delivers waiting items and refuses later ones", async () => {
    const mailbox = new Mailbox<number>({ capacity: 4 });
    mailbox.push(1);
    mailbox.end();
    expect([mailbox.push(2), mailbox.isClosed, mailbox.size]).toEqual([false, true, 1]);
    expect(await all(mailbox)).toEqual([1]);
    expect(await mailbox.next()).toEqual(DONE);
  });

  test("end() ends every next() that waits", async () => {
    const mailbox = new Mailbox<number>({ capacity: 1 });
    const asked = [mailbox.next(), mailbox.next()];
    mailbox.end();
    expect(await Promise.all(asked)).toEqual([DONE, DONE]);
  });

  test("fail() rejects once, after the items that wait", async () => {
    const mailbox = new Mailbox<number>({ capacity: 4 });
    mailbox.push(1);
    mailbox.fail(new Error("source broke"));
    expect(await mailbox.next()).toEqual(item(1));
    await expect(mailbox.next()).rejects.toThrow("source broke");
    expect(await mailbox.next()).toEqual(DONE);
  });

  test("fail() rejects the first next() that waits and ends the others", async () => {
    const mailbox = new Mailbox<number>({ capacity: 1 });
    const asked = [mailbox.next(), mailbox.next()];
    mailbox.fail(new Error("source broke"));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });

  test("the first of end() and fail() counts", async () => {
    const mailbox = new Mailbox<number>({ capacity: 1 });
    mailbox.end();
    mailbox.fail(new Error("source broke"));
    expect(await mailbox.next()).toEqual(DONE);
  });

  test("fail() without a reader causes no unhandled rejection", async () => {
    new Mailbox<number>({ capacity: 1 }).fail(new Error("source broke"));
    await settled();
  });
});

describe("return() and the signal", () => {
  const ways: [string, () => { mailbox: Mailbox<number>; leave: () => void; closed: string[] }][] = [
    [
      "return()",
      () => {
        const closed: string[] = [];
        const mailbox = new Mailbox<number>({ capacity: 4, onClose: () => closed.push("closed") });
        return { mailbox, leave: () => void mailbox.return(), closed };
      },
    ],
    [
      "an abort",
      () => {
        const closed: string[] = [];
        const controller = new AbortController();
        const { signal } = controller;
        const mailbox = new Mailbox<number>({ capacity: 4, signal, onClose: () => closed.push("closed") });
        return { mailbox, leave: () => controller.abort(), closed };
      },
    ],
  ];

  test.each(ways)("%s drops what waits and refuses what comes after", async (_, open) => {
    const { mailbox, leave } = open();
    mailbox.push(1);
    leave();
    expect([mailbox.push(2), mailbox.size, mailbox.isClosed]).toEqual([false, 0, true]);
    expect(await mailbox.next()).toEqual(DONE);
  });

  test.each(ways)("%s ends every next() that waits", async (_, open) => {
    const { mailbox, leave } = open();
    const asked = [mailbox.next(), mailbox.next()];
    leave();
    expect(await Promise.all(asked)).toEqual([DONE, DONE]);
  });

  test.each(ways)("%s after fail() drops the error, too", async (_, open) => {
    const { mailbox, leave } = open();
    mailbox.push(1);
    mailbox.fail(new Error("source broke"));
    leave();
    expect(await mailbox.next()).toEqual(DONE);
  });

  test.each(ways)("%s calls onClose once, also after end()", (_, open) => {
    const { mailbox, leave, closed } = open();
    leave();
    leave();
    mailbox.end();
    expect(closed).toEqual(["closed"]);
  });

  test("a signal that has aborted closes the mailbox from the start", async () => {
    const mailbox = new Mailbox<number>({ capacity: 1, signal: AbortSignal.abort() });
    expect([mailbox.isClosed, mailbox.push(1), await mailbox.next()]).toEqual([true, false, DONE]);
  });

  test("leaving a `for await` loop closes the mailbox", async () => {
    const mailbox = new Mailbox<number>({ capacity: 2 });
    mailbox.push(1);
    for await (const _ of mailbox) break;
    expect(mailbox.isClosed).toBe(true);
  });
});
