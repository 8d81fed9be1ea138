/** An expected failure: printed to the user without a stack trace, with the commands to try next. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  /** Commands or sentences. */
  readonly next: readonly string[];
  constructor(message: string, { next = [], cause }: { next?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause });
    this.next = next;
  }
}

/** An invalid command line; the usage is printed after the message. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
