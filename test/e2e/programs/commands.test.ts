import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { COMMANDS } from "../../../infra/scripts/commands/table.ts";
import packageJson from "../../../package.json" with { type: "json" };
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { BUN, ROOT, startProgram } from "../../support/programs/process.ts";

async function outcomeOf(args: readonly string[], env: Record<string, string> = {}) {
  await using program = startProgram([BUN, "infra/scripts/commands/main.ts", ...args], env);
  return { status: await program.exited, ...program.output };
}

test("package.json and the justfile have exactly the commands of the table", async () => {
  const scripts = Object.keys(COMMANDS).map((name) => [name, `bun infra/scripts/commands/main.ts ${name}`]);
  expect(packageJson.scripts).toEqual(Object.fromEntries(scripts));
  const justfile = await readFile(join(ROOT, "justfile"), "utf8");
  const recipes = [...justfile.matchAll(/^([a-z][a-z0-9-]*)(?: \*ARGS)?:$/gm)].map(([, name]) => name as string);
  expect(recipes.toSorted()).toEqual(
    Object.keys(COMMANDS)
      .filter((name) => name !== "help")
      .toSorted(),
  );
});

test("help lists each command on one line", async () => {
  const { status, stdout } = await outcomeOf(["help"]);
  expect(status).toBe(0);
  for (const [name, { does }] of Object.entries(COMMANDS)) {
    expect(stdout).toMatch(new RegExp(`^  ${name} +${does.replace(/[.*+?()[\]{}|]/g, "\\$&")}$`, "m"));
  }
});

test.each(Object.keys(COMMANDS))("%s --help prints usage and starts nothing", async (name) => {
  const { status, stdout } = await outcomeOf([name, "--help"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/usage:/i);
  expect(stdout).not.toMatch(/Usage: just/);
});

test.each([
  { args: ["cehck"], says: "no command cehck; did you mean check?" },
  { args: ["chart", "--fast"], says: "chart takes no arguments, got --fast" },
  { args: ["start", "--port", "8081"], says: 'option must be one of --help, got "--port"' },
  { args: ["ingest", "--jsn", "a.csv"], says: "did you mean --json?" },
  { args: ["sample", "--host", "3"], says: "--host" },
  { args: ["up", "CVS=a.csv"], says: "CVS=a.csv" },
])("$args is refused with usage, and the argument is named", async ({ args, says }) => {
  const { status, stderr } = await outcomeOf(args);
  expect(status).toBe(2);
  expect(stderr).toContain(says);
  expect(stderr).toContain("Usage: ");
});

test("a command names just in its usage only if just started it", async () => {
  expect((await outcomeOf(["down", "--help"])).stdout).toContain("Usage: npx -y bun run down");
  expect((await outcomeOf(["down", "--help"], { INVOKED_IN: ROOT })).stdout).toContain("Usage: just down");
});

test("a command passes signals on and exits with the status of its program", async () => {
  await using folder = await temporaryFolder();
  await using program = startProgram([BUN, "infra/scripts/commands/main.ts", "start"], {
    PORT: "0",
    SQLITE_PATH: join(folder.path, "store.sqlite"),
  });
  await program.logLine(({ message }) => message === "listening", { what: "the start of the server" });
  program.kill("SIGINT");
  expect(await program.exited).toBe(0);
  expect(program.output.stdout).toContain('"stopping"');
});
