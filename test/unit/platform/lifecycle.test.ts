/** Programs to their end: the exit status, and that the last lines reach a slow reader. */
import { describe, expect, test } from "bun:test";
import { LINES } from "../../support/process/ending-program.ts";
import { onRuntime, ROOT } from "../../support/programs/process.ts";

/** @param script bash that runs the program, `"$@"`, and exits with its status */
async function run(runtime: "bun" | "deno", end: string, script: string) {
  const program = onRuntime(runtime, "test/support/process/ending-program.ts", end);
  await using child = Bun.spawn(["bash", "-c", script, "bash", ...program], { cwd: ROOT, stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  const messages = output.split("\n").map((line) => /"message":"([^"]*)"/.exec(line)?.[1]);
  return { status: await child.exited, messages: messages.filter((message) => message !== undefined) };
}

describe.each(["bun", "deno"] as const)("runProgram() on %s", (runtime) => {
  const ends: [end: string, status: number, last: string[]][] = [
    ["return", 3, []],
    ["throw", 1, ["stopped by an error"]],
    ["reject", 1, ["unhandled rejection"]],
  ];
  test.each(ends)("delivers every line to a slow reader when the program ends by %s", async (end, status, last) => {
    const outcome = await run(runtime, end, '"$@" | { sleep 1; cat; }; exit "$PIPESTATUS"');
    expect(outcome.status).toBe(status);
    expect(outcome.messages.length).toBe(LINES + last.length);
    expect(outcome.messages.slice(LINES)).toEqual(last);
  });
});

test("runProgram() gives up on a reader that never reads", async () => {
  const script = 'exec 3> >(exec sleep 60 >/dev/null 2>&1); "$@" >&3; status=$?; kill $!; exit $status';
  const outcome = await run("bun", "return", script);
  expect(outcome.status).toBe(3);
});
