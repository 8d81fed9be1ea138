import { describe, expect, test } from "bun:test";
import { Shares } from "../../../services/platform/process/shares.ts";

/** Takes places for a client until one is refused, and returns their number. */
function takeAll(shares: Shares, client: string): number {
  let count = 0;
  while (shares.take(client) !== null) count++;
  return count;
}

describe("shares", () => {
  test("give one client half of the places, and a tenth to each of the others", () => {
    const shares = new Shares({ places: 1000, noun: "subscriptions" });
    expect(["a", "b", "c", "d", "e", "f", "g"].map((client) => takeAll(shares, client))).toEqual([
      500, 100, 100, 100, 100, 100, 0,
    ]);
    expect(shares.taken).toBe(1000);
    expect(shares.refusalOf("a")).toBe("All 1,000 subscriptions are in use: try again later");
  });

  test("say that a client has its share, and accept it again when others have left", () => {
    const shares = new Shares({ places: 20, noun: "sockets" });
    const release = shares.take("b", 2);
    expect(takeAll(shares, "a")).toBe(8);
    expect(shares.refusalOf("a")).toBe(
      "One client must not hold more than 2 of 20 sockets while half are in use: try again later",
    );
    release?.();
    release?.();
    expect(shares.taken).toBe(8);
    expect(takeAll(shares, "a")).toBe(2);
  });

  test("give out fewer than ten places in order of arrival, without shares", () => {
    expect(takeAll(new Shares({ places: 9, noun: "sockets" }), "a")).toBe(9);
  });
});
