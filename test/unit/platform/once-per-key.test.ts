import { expect, test } from "bun:test";
import { oncePerKey } from "../../../services/platform/process/once-per-key.ts";

test("oncePerKey() calls create once for each object, also where objects are equal", () => {
  const created: object[] = [];
  const memo = oncePerKey((key: object) => {
    created.push(key);
    return { number: created.length };
  });
  const [a, b] = [{}, {}];
  expect([memo(a), memo(b), memo(a)].map(({ number }) => number)).toEqual([1, 2, 1]);
  expect(memo(a)).toBe(memo(a));
  expect(created.length).toBe(2);
});

test("oncePerKey() calls create again after it threw", () => {
  let calls = 0;
  const memo = oncePerKey((_: object) => {
    if (calls++ === 0) throw new Error("not yet");
    return "value";
  });
  const key = {};
  expect(() => memo(key)).toThrow("not yet");
  expect(memo(key)).toBe("value");
});
