/** Runs a command-line program: its help, its errors, and its exit code. */
import { UsageError } from "./arguments.ts";

export interface Command<T> {
  readonly usage: string;
  /** @throws UsageError if the arguments are wrong */
  parse(args: readonly string[]): T | "help";
  work(parsed: T): Promise<void>;
}

/** @returns the exit code: 0 success, 1 the work failed, for example because a file cannot be written, 2 bad usage */
export async function runCommand<T>(command: Command<T>, args: readonly string[]): Promise<number> {
  try {
    const parsed = command.parse(args);
    if (parsed === "help") process.stdout.write(command.usage);
    else await command.work(parsed);
    return 0;
  } catch (error) {
    // EPIPE means that the reader of a pipe, such as head(1), has read enough.
    if (error instanceof Error && "code" in error && error.code === "EPIPE") return 0;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    process.stderr.write(`\n${command.usage}`);
    return 2;
  }
}
