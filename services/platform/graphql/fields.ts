/** Resolves fields from a store with one call for all objects of a request, within a budget of items. */
import DataLoader from "dataloader";
import { AppError } from "../../../schema/model/errors.ts";
import { perRequest, type SubgraphContext } from "./subgraph.ts";
import type { UnderWay } from "./under-way.ts";

export interface BudgetOptions {
  /** How many items the request may read. */
  readonly items: number;
  /** The error message for a query that exceeds the budget. */
  readonly beyond: string;
  /** What all answers of the process hold. */
  readonly underWay: UnderWay;
  /** What an item counts as there. Default: 1. */
  readonly weightOf?: (context: SubgraphContext) => number;
}

/** Limits the items that one request may read, so that no query exhausts the memory. Calls run one after another. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #context: SubgraphContext;
  #left: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: SubgraphContext, options: BudgetOptions) {
    this.#options = options;
    this.#context = context;
    this.#left = options.items;
  }

  /**
   * Calls `ask` with the items left, when the process has room for them.
   * @param most how many items `ask` may read
   * @throws AppError `too_large`, without calling `ask`, if no items are left; `overloaded` if there is no room in time
   */
  spend<T>(most: number, ask: (left: number) => Promise<T>): Promise<T> {
    const asked = this.#turn.then(async () => {
      if (this.#left <= 0) throw this.tooLarge();
      const left = this.#left;
      const read = await this.#enter(Math.min(most, left));
      try {
        return await ask(left);
      } finally {
        read(left - this.#left);
      }
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
    return new AppError(this.#options.beyond, { code: "too_large" });
  }

  async #enter(most: number): Promise<(read: number) => void> {
    const { items, underWay, weightOf = () => 1 } = this.#options;
    const { answer, signal } = this.#context;
    const weight = weightOf(this.#context);
    const read = await underWay.shareOf(answer)?.take(most * weight, items * weight, { signal });
    return (count) => read?.(count * weight);
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
  /** The most items that the answer of one key may have. */
  readonly mostPerKey: (args: Args) => number;
  /** The number of items in an answer. */
  readonly sizeOf: (answer: Answer) => number;
}

/**
 * Calls `ask` once per request and set of arguments, for all objects with the field.
 * @returns a loader that rejects with AppError `too_large` for an object whose answer does not fit the budget
 */
export function answerField<Key, Args, Answer>({ ask, budgetOf, mostPerKey, sizeOf }: FieldOptions<Key, Args, Answer>) {
  const loadersOf = perRequest(() => new Map<string, DataLoader<Key, Answer>>());
  const createLoader = (args: Args, context: SubgraphContext) => {
    const { signal } = context;
    const budget = budgetOf(context);
    return new DataLoader<Key, Answer>((keys) =>
      budget.spend(keys.length * mostPerKey(args), async (max) => {
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
