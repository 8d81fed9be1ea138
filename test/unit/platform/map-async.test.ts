import { describe, expect, test } from "bun:test";
import { Mailbox } from "../../../services/platform/process/mailbox.ts";
import { mapAsync } from "../../../services/platform/process/map-async.ts";

const DONE = { done: true as const, value: undefined };

function openMapped() {
  const source = new Mailbox<number>({ capacity: 4 });
  let ends = 0;
  const mapped = mapAsync(
    source,
    (item) => item * 2,
    () => {
      ends++;
    },
  );
  return { source, mapped, ends: () => ends };
}

describe("mapAsync()", () => {
  test("maps each item, and reports the end of the source", async () => {
    const { source, mapped, ends } = openMapped();
    source.push(1);
    source.push(2);
    source.end();
    expect(await mapped.next()).toEqual({ done: false, value: 2 });
    expect(await mapped.next()).toEqual({ done: false, value: 4 });
    expect(ends()).toBe(0);
    expect(await mapped.next()).toEqual(DONE);
    expect(ends()).toBe(1);
  });

  test("passes a failure of the source on, and reports the end", async () => {
    const { source, mapped, ends } = openMapped();
    source.fail(new Error("lost"));
    expect(mapped.next()).rejects.toThrow("lost");
    await Promise.resolve();
    expect(ends()).toBe(1);
  });

  test("ends a waiting next() when its reader leaves", async () => {
    const { source, mapped, ends } = openMapped();
    const waiting = mapped.next();
    expect(await mapped.return?.()).toEqual(DONE);
    expect(await waiting).toEqual(DONE);
    expect([source.isClosed, ends()]).toEqual([true, 2]);
  });
});
