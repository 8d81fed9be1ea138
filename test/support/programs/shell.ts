/** Runs commands in a shell, as a person types them, and reads their output. */
import { DEADLINE_MS } from "../time/eventually.ts";

/**
 * Returns the output of a command once `isEnough` accepts it, and ends the command.
 * @throws Error with the whole output when the command ends or the deadline passes first
 */
export async function outputOf(
  command: string,
  isEnough: (output: string) => boolean,
  { env = {}, deadlineMs = DEADLINE_MS }: { env?: Record<string, string>; deadlineMs?: number } = {},
): Promise<string> {
  const child = Bun.spawn(["bash", "-c", `exec ${command}`], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: deadlineMs,
  });
  let output = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of child.stdout) {
      output += decoder.decode(chunk, { stream: true });
      if (isEnough(output)) return output;
    }
  } finally {
    child.kill();
    await child.exited;
  }
  throw new Error(`${command}\nended after printing ${output}${await new Response(child.stderr).text()}`);
}
