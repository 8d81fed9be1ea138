/** Runs a command of the table: installs the packages that it needs, then starts its programs. Imports no package. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { resembling } from "../../../services/platform/process/resembling.ts";
import { COMMANDS, type Command, listCommands, usageOf } from "./table.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const INSTALL = ["bun", "install", "--frozen-lockfile", "--silent"] as const;
const PACKAGES = { product: [...INSTALL, "--production", "--omit=optional"], all: INSTALL } as const;

/** Starts a program in the root folder, passes signals on to it, and resolves to its exit status. */
async function start([name, ...args]: readonly [string, ...string[]]): Promise<number> {
  const path = `${join(ROOT, "node_modules/.bin")}:${process.env.PATH ?? ""}`;
  const child = spawn(name === "bun" ? process.execPath : name, args, {
    cwd: ROOT,
    env: { ...process.env, PATH: path },
    stdio: "inherit",
  });
  const signals = ["SIGINT", "SIGTERM"] as const;
  const pass = signals.map((signal) => [signal, () => void child.kill(signal)] as const);
  for (const [signal, send] of pass) process.on(signal, send);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (status, signal) => resolve(status ?? 128 + constants.signals[signal ?? "SIGKILL"]));
    });
  } finally {
    for (const [signal, send] of pass) process.off(signal, send);
  }
}

/** Resolves to the status of the first program that fails, otherwise 0. */
async function run({ needs, steps }: Command, args: readonly string[]): Promise<number> {
  const wantsHelp = args.includes("--help");
  const programs = needs === "none" || (wantsHelp && needs === "product") ? steps : [PACKAGES[needs], ...steps];
  for (const [index, step] of programs.entries()) {
    const status = await start(index === programs.length - 1 ? [...step, ...args] : step);
    if (status !== 0) return status;
  }
  return 0;
}

/** Prints the error and the usage; returns the status for bad usage. */
function refuse(problem: string, usage: string): number {
  process.stderr.write(`${problem}\n\n${usage}`);
  return 2;
}

async function main([name = "help", ...args]: readonly string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const meant = resembling(name, Object.keys(COMMANDS));
    return refuse(`no command ${name}${meant === undefined ? "" : `; did you mean ${meant}?`}`, listCommands());
  }
  const wantsHelp = args.includes("--help") || args.includes("-h");
  if (name === "help" || (wantsHelp && !command.explainsItself)) {
    process.stdout.write(name === "help" ? listCommands() : usageOf(name, command));
    return 0;
  }
  if (command.takes === "" && args.length > 0) {
    return refuse(`${name} takes no arguments, got ${args.join(" ")}`, usageOf(name, command));
  }
  return await run(command, args);
}

process.exitCode = await main(process.argv.slice(2));
