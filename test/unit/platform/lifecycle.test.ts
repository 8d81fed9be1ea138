/** Programs to their end: the exit status, and that the last lines reach a slow reader. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { LINES } from "../../support/process/ending-program.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { onRuntime, ROOT } from "../../support/programs/process.ts";

/** @param script bash that runs the program, `"$@"`, and exits with its status; `$LOGGED` is the file it creates */
async function run(runtime: "bun" | "deno", end: string, script: string) {
  await using folder = await temporaryFolder();
  const logged = join(folder.path, "logged");
  const program = onRuntime(runtime, "test/support/process/ending-program.ts", end, logged);
  const command = ["bash", "-c", `LOGGED=$1; shift; ${script}`, "bash", logged, ...program];
  await using child = Bun.spawn(command, { cwd: ROOT, stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  const messages = output.split("\n").map((line) => /"message":"([^"]*)"/.exec(line)?.[1]);
  return { status: await child.exited, messages: messages.filter((message) => message !== undefined) };
}

/** Starts to read shortly after the program has logged everything, at the latest after so many tenths of a second. */
const slowReader = (tenths: number) =>
  `"$@" | { for n in {1..${tenths}}; do [ -e "$LOGGED" ] && break; sleep 0.1; done; sleep 0.1; cat; }; exit "$PIPESTATUS"`;

const ends: [end: string, status: number, last: string[]][] = [
  ["return", 3, []],
  ["throw", 1, ["stopped by an error"]],
  ["reject", 1, ["unhandled rejection"]],
];

test.each(ends)(
  "runProgram() on bun delivers every line to a slow reader when it ends by %s",
  async (end, status, last) => {
    const outcome = await run("bun", end, slowReader(300));
    expect(outcome.status).toBe(status);
    expect(outcome.messages.length).toBe(LINES + last.length);
    expect(outcome.messages.slice(LINES)).toEqual(last);
  },
);

/** Deno writes to a pipe synchronously: it waits for the reader before it has logged everything. */
test("runProgram() on deno delivers every line to a slow reader", async () => {
  const outcome = await run("deno", "throw", slowReader(10));
  expect([outcome.status, outcome.messages.length]).toEqual([1, LINES + 1]);
});

test("runProgram() gives up on a reader that never reads", async () => {
  const script = 'exec 3> >(exec sleep 60 >/dev/null 2>&1); "$@" >&3; status=$?; kill $!; exit $status';
  const outcome = await run("bun", "return", script);
  expect(outcome.status).toBe(3);
});
