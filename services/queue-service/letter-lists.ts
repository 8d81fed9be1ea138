/** Lists dead letters for an operation, within what it and the process may hold of their bodies. */
import { Budget } from "../platform/graphql/fields.ts";
import { perRequest, type SubgraphContext } from "../platform/graphql/subgraph.ts";
import { UnderWay } from "../platform/graphql/under-way.ts";
import type { Clock } from "../platform/process/clock.ts";
import { type DeadLetter, type DeadLetterPage, type DeadLetters, MAX_PAGE_BYTES, type Queue } from "../queue/port.ts";

/** The bodies of the letters that one operation lists, under several aliases, are at most two full pages. */
const MAX_OPERATION_BYTES = 2 * MAX_PAGE_BYTES;
/** The bodies of all operations of a process: two full pages at once, of 512 MiB that the chart gives queue-service. */
const MAX_PROCESS_BYTES = 2 * MAX_PAGE_BYTES;
const BEYOND = `An operation may list dead letters of at most ${MAX_OPERATION_BYTES} bytes: list fewer, or in several operations`;

/** What the previews of one operation may still decode. */
interface PreviewBudget {
  readings: number;
  bytes: number;
}

/** What the previews of one operation may decode, so that it takes about a second. */
export const PREVIEWS: Readonly<PreviewBudget> = { readings: 1 << 20, bytes: 64 * 1024 * 1024 };

/** A letter, with the budget that it shares with the other letters of its operation. */
export interface ListedLetter extends DeadLetter {
  readonly budget: PreviewBudget;
}

export interface ListedPage extends Omit<DeadLetterPage, "letters"> {
  readonly letters: readonly ListedLetter[];
}

type PageOptions = Parameters<DeadLetters["list"]>[0];
export type ListLetters = (options: PageOptions, context: SubgraphContext) => Promise<ListedPage>;

/**
 * Returns a function that reads a page when the process has room for it; the pages of one operation one by one.
 * @throws AppError `too_large` beyond `MAX_OPERATION_BYTES`; `overloaded` if there is no room in time
 */
export function createLetterLists(queue: Pick<Queue, "deadLetters">, clock: Clock): ListLetters {
  // The size of a page is known when it has been read, so each one begins as a full page.
  const lanes = { small: 0, allSmall: 0, allLarge: MAX_PROCESS_BYTES };
  const underWay = new UnderWay({ noun: "bytes of dead letters", ...lanes, clock });
  const budgetOf = perRequest(
    (context) => new Budget(context, { items: MAX_OPERATION_BYTES, beyond: BEYOND, underWay }),
  );
  const previewsOf = perRequest((): PreviewBudget => ({ ...PREVIEWS }));
  return (options, context) => {
    const all = budgetOf(context);
    return all.spend(MAX_PAGE_BYTES, async () => {
      const page = await queue.deadLetters.list(options);
      if (!all.takes(page.letters.reduce((sum, { body }) => sum + body.byteLength, 0))) throw all.tooLarge();
      const budget = previewsOf(context);
      return { ...page, letters: page.letters.map((letter) => ({ ...letter, budget })) };
    });
  };
}
