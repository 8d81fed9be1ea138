/** Resolves fields from a store with one call for all objects of a request, within a budget of items. */
import DataLoader from "dataloader";
import { AppError } from "../../../schema/model/errors.ts";
import { perRequest, type SubgraphContext } from "./subgraph.ts";

/** Limits the items that one request may read, so that no query exhausts the memory. Calls run one after another. */
export class Budget {
  readonly #beyond: string;
  #left: number;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param beyond the error message for a query that exceeds the budget */
  constructor(items: number, beyond: string) {
    this.#left = items;
    this.#beyond = beyond;
  }

  /** Calls `ask` with the items left. @throws AppError `too_large`, without calling `ask`, if no items are left */
  spend<T>(ask: (left: number) => Promise<T>): Promise<T> {
    const asked = this.#turn.then(() => {
      if (this.#left <= 0) throw this.tooLarge();
      return ask(this.#left);
    });
    this.#turn = asked.catch(() => {});
    return asked;
  }

  /**
   * Deducts items that `ask` has read from the budget; call `takes` within `ask`. If the items do not fit, returns
   * false and leaves the budget empty.
   */
  takes(items: number): boolean {
    const fits = items <= this.#left;
    this.#left = fits ? this.#left - items : 0;
    return fits;
  }

  tooLarge(): AppError {
    return new AppError(this.#beyond, { code: "too_large" });
  }
}

export interface FieldOptions<Key, Args, Answer> {
  /** Reads all keys in one call. A key without an answer did not fit into `max` items. */
  readonly ask: (
    keys: readonly Key[],
    args: Args,
    options: { readonly max: number; readonly signal: AbortSignal | undefined },
  ) => Promise<ReadonlyMap<Key, Answer>>;
  readonly budgetOf: (context: SubgraphContext) => Budget;
  /** The number of items in an answer. */
  readonly sizeOf: (answer: Answer) => number;
}

/**
 * Calls `ask` once per request and set of arguments, for all objects with the field.
 * @returns a loader that rejects with AppError `too_large` for an object whose answer does not fit the budget
 */
export function answerField<Key, Args, Answer>({ ask, budgetOf, sizeOf }: FieldOptions<Key, Args, Answer>) {
  const loadersOf = perRequest(() => new Map<string, DataLoader<Key, Answer>>());
  const createLoader = (args: Args, context: SubgraphContext) => {
    const { signal } = context;
    const budget = budgetOf(context);
    return new DataLoader<Key, Answer>((keys) =>
      budget.spend(async (max) => {
        const answers = await ask(keys, args, { max, signal });
        return keys.map((key) => {
          const answer = answers.get(key);
          return answer !== undefined && budget.takes(sizeOf(answer)) ? answer : budget.tooLarge();
        });
      }),
    );
  };
  return (key: Key, args: Args, context: SubgraphContext): Promise<Answer> => {
    const loaders = loadersOf(context);
    const name = JSON.stringify(args);
    const loader = loaders.get(name) ?? createLoader(args, context);
    loaders.set(name, loader);
    return loader.load(key);
  };
}
