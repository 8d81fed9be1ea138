/** Imports modules in a new process with an empty environment, and finds the effects of the import. */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs in the child. Prints each module that cannot be imported or that listens to the process. */
const PROBE = `
const listeners = () => process.eventNames().filter((name) => /^SIG|exit|uncaught|unhandled/i.test(String(name)));
for (const path of process.argv.slice(1)) {
  const before = listeners().length;
  try {
    await import(path);
  } catch (error) {
    console.log(path + ": " + (error instanceof Error ? error.message : error));
  }
  if (listeners().length !== before) console.log(path + ": listens to the process");
}
`;

/**
 * Returns the forbidden effects of importing these files: errors, output, written files, listeners, and keeping the
 * process alive.
 */
export async function importEffects(
  paths: readonly string[],
  { deadlineMs = 60_000 }: { deadlineMs?: number } = {},
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "import-effects-"));
  const home = join(folder, "home");
  await mkdir(home);
  const child = Bun.spawn([process.execPath, "-e", PROBE, ...paths], {
    cwd: home,
    env: {},
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  try {
    const output = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const code = await child.exited;
    const effects = output.join("").split("\n").filter(Boolean);
    if (child.signalCode !== null) effects.push(`the process was still alive after ${deadlineMs} ms`);
    else if (code !== 0) effects.push(`the process exited with status ${code}`);
    return [...effects, ...(await readdir(home)).map((name) => `wrote ${name}`)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
