/** Resolves fields from a store with one call for all objects of a request, within a budget of items. */
import DataLoader from "dataloader";
import { AppError } from "../../../schema/model/errors.ts";
import { othersAnswered } from "../process/others-answered.ts";
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
   * Calls `ask` when the process has room for what it may read.
   * @param most how many items `ask` may read
   * @throws AppError `too_large`, without calling `ask`, if no items are left; `overloaded` if there is no room in time
   */
  spend<T>(most: number, ask: () => Promise<T>): Promise<T> {
    const asked = this.#turn.then(async () => {
      if (this.#left <= 0) throw this.tooLarge();
      const left = this.#left;
      const read = await this.#enter(Math.min(most, left));
      try {
        return await ask();
      } finally {
        read(left - this.#left);
      }
    });
    this.#turn = asked.catch(() => {});
    return asked;
  }

  /** How many items may still be read. */
  get left(): number {
    return this.#left;
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

/** How many items one call of `ask` may read before the process answers other requests: a few milliseconds. */
const SLICE_ITEMS = 100_000;

/**
 * Calls `ask` once per request and set of arguments, for all objects with the field; several times, one after another,
 * if they may have more than `SLICE_ITEMS` items.
 * @returns a loader that rejects with AppError `too_large` for an object whose answer does not fit the budget
 */
export function answerField<Key, Args, Answer>({ ask, budgetOf, mostPerKey, sizeOf }: FieldOptions<Key, Args, Answer>) {
  const loadersOf = perRequest(() => new Map<string, DataLoader<Key, Answer>>());
  const createLoader = (args: Args, context: SubgraphContext) => {
    const { signal } = context;
    const budget = budgetOf(context);
    const perKey = mostPerKey(args);
    const perSlice = Math.max(1, Math.floor(SLICE_ITEMS / perKey));
    const readAll = async (keys: readonly Key[]): Promise<(Answer | AppError)[]> => {
      const all: (Answer | AppError)[] = [];
      for (let at = 0; at < keys.length; at += perSlice) {
        if (at > 0) await othersAnswered();
        const slice = keys.slice(at, at + perSlice);
        const answers = budget.left > 0 ? await ask(slice, args, { max: budget.left, signal }) : new Map<Key, Answer>();
        for (const key of slice) {
          const answer = answers.get(key);
          all.push(answer !== undefined && budget.takes(sizeOf(answer)) ? answer : budget.tooLarge());
        }
      }
      return all;
    };
    return new DataLoader<Key, Answer>((keys) => budget.spend(keys.length * perKey, () => readAll(keys)));
  };
  return (key: Key, args: Args, context: SubgraphContext): Promise<Answer> => {
    const loaders = loadersOf(context);
    const name = JSON.stringify(args);
    const loader = loaders.get(name) ?? createLoader(args, context);
    loaders.set(name, loader);
    return loader.load(key);
  };
}
