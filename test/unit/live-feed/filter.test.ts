import { describe, expect, test } from "bun:test";
import type { HolderSet } from "../../../schema/model/holder.ts";
import { passesGpu, passesMetric, passesValue } from "../../../services/live-feed/port.ts";

describe("passesValue()", () => {
  for (const [filter, passing, failing] of [
    [{}, [-1, 0, 1], []],
    [{ above: 10 }, [10.5, 11], [9, 10]],
    [{ below: 10 }, [9, 9.5], [10, 11]],
    [{ above: 20, below: 10 }, [9, 21], [10, 15, 20]],
    [{ above: 10, below: 20 }, [9, 10, 15, 20, 21], []],
  ] as const) {
    test(`with ${JSON.stringify(filter)} passes ${passing.join(", ")} and fails ${failing.join(", ") || "nothing"}`, () => {
      expect([...passing, ...failing].filter((value) => passesValue(filter, value))).toEqual([...passing]);
    });
  }
});

test("passesGpu() passes a GPU that every given list names; one holder in a namespace is enough, and a job is in none", () => {
  const holders: HolderSet = [
    { kind: "pod", namespace: "w", pod: "p", container: null, podUid: null },
    { kind: "pod", namespace: "x", pod: "p", container: null, podUid: null },
    { kind: "job", job: "x" },
  ];
  expect(passesGpu({}, "a", holders)).toBeTrue();
  expect(passesGpu({ hosts: ["b", "a"], namespaces: ["x"] }, "a", holders)).toBeTrue();
  expect(passesGpu({ hosts: ["b"], namespaces: ["x"] }, "a", holders)).toBeFalse();
  expect(passesGpu({ hosts: ["a"], namespaces: ["y"] }, "a", holders)).toBeFalse();
  expect(passesGpu({ namespaces: ["x"] }, "a", holders.slice(2))).toBeFalse();
  expect(passesGpu({ hosts: [] }, "a", holders)).toBeFalse();
});

test("passesMetric() passes a metric that the list names, and every metric without a list", () => {
  expect(passesMetric({ metrics: ["A"] }, "A")).toBeTrue();
  expect(passesMetric({ metrics: ["A"] }, "B")).toBeFalse();
  expect(passesMetric({}, "B")).toBeTrue();
});
