/** Commands as a person types them: run by a shell, read until they have said enough. */
import { DEADLINE_MS } from "../time/eventually.ts";

/**
 * What a command prints, up to where `isEnough`; it is then ended.
 * @throws Error with all that it printed, when it ends or the deadline passes first
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
  throw new Error(`${command}\nended with ${output}${await new Response(child.stderr).text()}`);
}
