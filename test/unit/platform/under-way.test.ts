import { describe, expect, test } from "bun:test";
import { Answer } from "../../../services/platform/graphql/answer.ts";
import { UnderWay } from "../../../services/platform/graphql/under-way.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

/** Small answers have up to 100 readings; 300 of them may be under way, and 1,000 of large ones. */
function open() {
  const clock = new ManualClock();
  return { clock, underWay: new UnderWay({ noun: "readings", small: 100, allSmall: 300, allLarge: 1000, clock }) };
}

const shareOf = (underWay: UnderWay, answer: Answer) => {
  const share = underWay.shareOf(answer);
  if (share === null) throw new Error("no share");
  return share;
};

/** Whether a further answer gets room for `most` readings at once. */
async function hasRoom(underWay: UnderWay, most: number): Promise<boolean> {
  const left = new AbortController();
  using answer = new Answer();
  let isIn = false;
  const taken = shareOf(underWay, answer)
    .take(most, most, { signal: left.signal })
    .then(
      () => {
        isIn = true;
      },
      () => {},
    );
  await settled();
  left.abort();
  await taken;
  return isIn;
}

describe("answers under way", () => {
  test("wait for each other when they are large, and small ones pass beside them", async () => {
    const { underWay } = open();
    using large = new Answer();
    await shareOf(underWay, large).take(500, 1000);
    expect([await hasRoom(underWay, 500), await hasRoom(underWay, 100)]).toEqual([false, true]);
  });

  test("hold what they read until they are sent", async () => {
    const { underWay } = open();
    const large = new Answer();
    const read = await shareOf(underWay, large).take(500, 1000);
    read(400);
    expect(await hasRoom(underWay, 500)).toBe(false);
    large.made();
    expect([await hasRoom(underWay, 500), await hasRoom(underWay, 700)]).toEqual([true, false]);
    large[Symbol.dispose]();
    expect(await hasRoom(underWay, 1000)).toBe(true);
  });

  test("become large when their steps add up, and hold nothing while they wait for that", async () => {
    const { underWay } = open();
    using large = new Answer();
    await shareOf(underWay, large).take(1000, 1000);
    const growing = Array.from({ length: 3 }, () => new Answer());
    const left = new AbortController();
    const steps = growing.map(async (answer) => {
      const read = await shareOf(underWay, answer).take(50, 1000);
      read(50);
      await shareOf(underWay, answer).take(100, 1000, { signal: left.signal });
    });
    await settled();
    expect(await hasRoom(underWay, 100)).toBe(true);
    left.abort();
    expect((await Promise.allSettled(steps)).map(({ status }) => status)).toEqual(Array(3).fill("rejected"));
  });

  test("never wait for more while they hold a large place", async () => {
    const { underWay } = open();
    const answers = [new Answer(), new Answer()];
    for (const answer of answers) await shareOf(underWay, answer).take(500, 500);
    for (const answer of answers) await shareOf(underWay, answer).take(500, 500);
    for (const answer of answers) answer[Symbol.dispose]();
    expect(await hasRoom(underWay, 1000)).toBe(true);
  });

  test("of one client leave half of the room to others", async () => {
    const { underWay } = open();
    const answerOf = (client: string) => new Answer({ client });
    await shareOf(underWay, answerOf("a")).take(400, 400);
    const own = shareOf(underWay, answerOf("a")).take(200, 200);
    await shareOf(underWay, answerOf("b")).take(600, 600);
    await settled();
    expect(await Promise.race([own.then(() => "in"), settled().then(() => "waiting")])).toBe("waiting");
  });

  test("give back what they took after their reader left", async () => {
    const { underWay } = open();
    const answer = new Answer();
    const share = shareOf(underWay, answer);
    answer[Symbol.dispose]();
    await share.take(1000, 1000);
    expect(await hasRoom(underWay, 1000)).toBe(true);
  });

  test("are refused with a code and a time to wait when others take too long", async () => {
    const { underWay, clock } = open();
    await shareOf(underWay, new Answer()).take(1000, 1000);
    const refusal = shareOf(underWay, new Answer())
      .take(1000, 1000)
      .catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await refusal).toMatchObject({ code: "overloaded", retryAfterMs: 1000 });
  });
});
