/** What stops a script: said to the user as it stands, with what to type next. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  /** Commands, or a sentence each. */
  readonly next: readonly string[];
  constructor(message: string, { next = [], cause }: { next?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause });
    this.next = next;
  }
}

/** A command line that cannot be followed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
