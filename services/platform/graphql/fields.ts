/** Fields whose answers come from a store: one question for all objects of a request, and a bound on what it reads. */
import DataLoader from "dataloader";
import { AppError } from "../../../schema/model/errors.ts";
import { perRequest, type SubgraphContext } from "./subgraph.ts";

/** What one request may read, so that no query outgrows memory: one question after the other, until it is used up. */
export class Budget {
  readonly #beyond: string;
  #left: number;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param beyond what a caller is told whose query goes beyond */
  constructor(items: number, beyond: string) {
    this.#left = items;
    this.#beyond = beyond;
  }

  /** `ask` gets how many items there is room for. It is not run when there is none. */
  spend<T>(ask: (left: number) => Promise<T>): Promise<T> {
    const asked = this.#turn.then(() => {
      if (this.#left <= 0) throw this.tooLarge();
      return ask(this.#left);
    });
    this.#turn = asked.catch(() => {});
    return asked;
  }

  /** Within `ask`, for what it read. False: it does not fit, and nothing will from now on. */
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
  /** Asks for all of them at once. What is not among the answers did not fit into `max` items. */
  readonly ask: (
    keys: readonly Key[],
    args: Args,
    options: { readonly max: number; readonly signal: AbortSignal | undefined },
  ) => Promise<ReadonlyMap<Key, Answer>>;
  readonly budgetOf: (context: SubgraphContext) => Budget;
  /** Items in an answer. */
  readonly sizeOf: (answer: Answer) => number;
}

/**
 * One question per request and arguments, however many objects have the field.
 * @returns a function that rejects with AppError `too_large` for an object whose answer does not fit
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
