import { expect, test } from "bun:test";
import { keepRecent } from "../../../services/api-gateway/rest/recent-answers.ts";
import { type Representation, represent } from "../../../services/api-gateway/rest/representation.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

/** Answers when the test says so, and records the calls. */
function openMaker() {
  const asked: { left: AbortSignal; answer: (made: Representation | Response) => void }[] = [];
  return {
    asked,
    make: (left: AbortSignal) =>
      new Promise<Representation | Response>((answer) => {
        asked.push({ left, answer });
      }),
  };
}
const stays = () => new AbortController().signal;
const ANSWER = represent(new TextEncoder().encode("[]"), "application/json");

test("concurrent requests share one answer; a failure goes to all of them and is not kept", async () => {
  const recent = keepRecent(new ManualClock());
  const { asked, make } = openMaker();
  const both = [recent("a", make, stays()), recent("a", make, stays())];
  const other = recent("b", make, stays());
  expect(asked).toHaveLength(2);
  asked[0]?.answer(new Response("away", { status: 503 }));
  const texts = (await Promise.all(both)).map((answer) => (answer as Response).text());
  expect(await Promise.all(texts)).toEqual(["away", "away"]);
  asked[1]?.answer(ANSWER);
  expect(await other).toBe(ANSWER);
  void recent("a", make, stays());
  expect(asked).toHaveLength(3);
});

test("an answer is abandoned when the last waiting client leaves, not before", async () => {
  const recent = keepRecent(new ManualClock());
  const { asked, make } = openMaker();
  const [first, second] = [new AbortController(), new AbortController()];
  void recent("a", make, first.signal);
  const answer = recent("a", make, second.signal);
  first.abort();
  expect(asked[0]?.left.aborted).toBeFalse();
  asked[0]?.answer(ANSWER);
  expect(await answer).toBe(ANSWER);

  const third = new AbortController();
  void recent("b", make, third.signal);
  third.abort();
  expect(asked[1]?.left.aborted).toBeTrue();
  // A later client does not get the abandoned answer.
  void recent("b", make, stays());
  expect(asked).toHaveLength(3);
});

test("an answer is reused until 100 ms after its question", async () => {
  const clock = new ManualClock();
  const recent = keepRecent(clock);
  const { asked, make } = openMaker();
  const first = recent("a", make, stays());
  await clock.advance(60);
  asked[0]?.answer(ANSWER);
  expect(await first).toBe(ANSWER);
  await clock.advance(40);
  expect(await recent("a", make, stays())).toBe(ANSWER);
  expect(asked).toHaveLength(1);
  await clock.advance(1);
  void recent("a", make, stays());
  expect(asked).toHaveLength(2);
});
