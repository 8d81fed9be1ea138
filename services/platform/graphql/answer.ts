/** One answer on its way to its reader: what it holds of its process until it is sent. */
import type { RowLists } from "./row-lists.ts";

export interface AnswerOptions {
  readonly rows?: RowLists | null;
  /** Default: true if `rows` is given. */
  readonly isCompact?: boolean;
  readonly isOneStep?: boolean;
  readonly client?: string | undefined;
}

export class Answer implements Disposable {
  /** Takes long lists of rows out of the execution; null if the answer must be made of objects. */
  readonly rows: RowLists | null;
  /** Whether the answer's rows stay as compact as they were read. */
  readonly isCompact: boolean;
  /** Whether one step reads all of it. */
  readonly isOneStep: boolean;
  /** The address of the client that asked; empty if it is not known. */
  readonly client: string;
  readonly #whenMade: (() => void)[] = [];
  readonly #whenSent: (() => void)[] = [];

  constructor({ rows = null, isCompact = rows !== null, isOneStep = false, client = "" }: AnswerOptions = {}) {
    this.rows = rows;
    this.isCompact = isCompact;
    this.isOneStep = isOneStep;
    this.client = client;
  }

  /** Calls `run` when everything of this answer has been read. */
  onMade(run: () => void): void {
    this.#whenMade.push(run);
  }

  /** Calls `run` when the answer has been sent, or its reader has left. */
  onSent(run: () => void): void {
    this.#whenSent.push(run);
  }

  made(): void {
    for (const run of this.#whenMade.splice(0)) run();
  }

  [Symbol.dispose](): void {
    for (const run of this.#whenSent.splice(0)) run();
  }
}
