import { expect, test } from "bun:test";
import { Turns } from "../../../services/platform/process/turns.ts";

/** Enters once for each client at the same time. Resolves to the clients in the order of their turns. */
async function turnsOf(clients: readonly string[], turns = new Turns()): Promise<string[]> {
  const begun: string[] = [];
  await Promise.all(clients.map((client) => turns.enter(client).then(() => begun.push(client))));
  return begun;
}

test("enter() lets events be handled between two pieces of work", async () => {
  let events = 0;
  const turns = new Turns();
  const seen = new Set<number>();
  const event = () => {
    events++;
    if (seen.size < 10) setImmediate(event);
  };
  setImmediate(event);
  await Promise.all(Array.from({ length: 10 }, () => turns.enter("a").then(() => seen.add(events))));
  expect(seen.size).toBe(10);
});

test("enter() serves clients with little work before one with much", async () => {
  const begun = await turnsOf([...Array(20).fill("many"), ...Array(5).fill("some"), "one"]);
  // The first one finds nothing that waits, and the second turn is one of the rotation.
  expect(begun.slice(0, 3)).toEqual(["many", "many", "one"]);
  expect(begun.lastIndexOf("some")).toBeLessThan(10);
  expect(begun).toHaveLength(26);
});

test("enter() gives each client one turn in four of a rotation, while others keep coming", async () => {
  const turns = new Turns();
  let isOver = false;
  const others = Array.from({ length: 3 }, async (_, client) => {
    let count = 0;
    for (; !isOver && count < 1000; count++) await turns.enter(`other ${client}`);
    return count;
  });
  await Promise.all(Array.from({ length: 5 }, () => turns.enter("many")));
  isOver = true;
  expect(Math.max(...(await Promise.all(others)))).toBeLessThan(100);
});

test("enter() refuses a client that holds a tenth of the waiting places once half are taken, and serves others", async () => {
  const turns = new Turns();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 700 }, () => turns.enter("many")).concat(turns.enter("a")),
  );
  const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(refused).toHaveLength(199);
  expect(refused[0]).toMatchObject({ code: "overloaded", retryAfterMs: 1000 });
  expect(outcomes.at(-1)?.status).toBe("fulfilled");
});
