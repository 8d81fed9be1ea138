import { describe, expect, test } from "bun:test";
import { Answer } from "../../../services/platform/graphql/answer.ts";
import { othersAnswered } from "../../../services/platform/process/others-answered.ts";
import type { DeadLetter, Queue } from "../../../services/queue/port.ts";
import { createLetterLists } from "../../../services/queue-service/letter-lists.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

const MiB = 1024 * 1024;

/** Lists of a queue whose pages have one letter of the given size, and the number of pages that were read. */
function openLists(bytes: number) {
  const letter = { body: new Uint8Array(bytes) } as unknown as DeadLetter;
  let pages = 0;
  const deadLetters = {
    list: async () => {
      pages++;
      return { letters: [letter], total: 1, next: null };
    },
  } as unknown as Queue["deadLetters"];
  const clock = new ManualClock();
  return { list: createLetterLists({ deadLetters }, clock), pages: () => pages, clock };
}

describe("lists of dead letters", () => {
  test("an operation reads two full pages of bodies, and no further one", async () => {
    const { list, pages } = openLists(32 * MiB);
    using answer = new Answer();
    const context = { answer };
    const aliases = await Promise.allSettled(Array.from({ length: 30 }, () => list({ limit: 1 }, context)));
    const refused = aliases.flatMap((alias) => (alias.status === "rejected" ? [alias.reason] : []));
    expect([pages(), refused.length]).toEqual([2, 28]);
    expect(refused[0]).toMatchObject({ code: "too_large", message: expect.stringContaining("list fewer") });
  });

  test("all letters of an operation share one budget of previews, and other operations have their own", async () => {
    const { list } = openLists(1);
    const context = {};
    const pages = [await list({ limit: 1 }, context), await list({ limit: 1 }, context), await list({ limit: 1 }, {})];
    const [first, second, other] = pages.map(({ letters }) => letters[0]?.budget);
    expect([first === second, first === other]).toEqual([true, false]);
  });

  test("operations wait until the process has room for their bodies", async () => {
    const { list, pages } = openLists(32 * MiB);
    const answers = [new Answer(), new Answer(), new Answer()];
    const lists = answers.map((answer) => list({ limit: 1 }, { answer }));
    for (const [index, answer] of answers.entries()) {
      await lists[index];
      // The others would read their pages now, if they had room.
      await othersAnswered();
      await settled();
      expect(pages()).toBe(index + 1);
      answer[Symbol.dispose]();
    }
  });
});
