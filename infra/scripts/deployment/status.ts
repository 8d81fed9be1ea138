/** `just status`: cluster, release, pods, address and health; exit code 0 if all is well. */

import { DEFAULT_PORT, readApiPort } from "./cluster/api-port.ts";
import { readContexts } from "./cluster/contexts.ts";
import { readHealth } from "./release/answers.ts";
import { forwardCommand, openForward } from "./release/forward.ts";
import { readPods } from "./release/pods.ts";
import { releaseHistory } from "./release/release.ts";
import { parseCommandLine, usageOf } from "./run/command-line.ts";
import { readEnvironment } from "./run/environment.ts";
import { KIND_CONTEXT, kubectl, NAMESPACE, type Place } from "./run/place.ts";
import { createShell, type Shell } from "./run/shell.ts";
import { openState } from "./run/state.ts";
import { Trouble, UsageError } from "./run/trouble.ts";
import { asTyped } from "./run/typed.ts";

const STATUS = {
  name: "status",
  does: "Shows the state of the cluster, the release, its pods and its API. Exit code 0: all is well, 1: something is not.",
  keys: { CONTEXT: `of kubectl (${KIND_CONTEXT})`, NAMESPACE: `of the release (${NAMESPACE})` },
};

interface Finding {
  readonly good: boolean;
  readonly text: string;
}

async function readApi(shell: Shell, place: Place): Promise<Finding[]> {
  const healthAt = async (url: string): Promise<Finding> => {
    const { status: code, body } = await readHealth(url);
    return { good: code === 200, text: `health   ${code || "no answer"} ${body.trim()}` };
  };
  if (place.context !== KIND_CONTEXT) {
    const address = { good: true, text: `address  ${forwardCommand(place, DEFAULT_PORT)}` };
    try {
      await using forward = await openForward(place);
      return [address, await healthAt(forward.url)];
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      return [address, { good: false, text: `health   ${error.message}` }];
    }
  }
  const port = await readApiPort(shell);
  if (port === null) return [{ good: false, text: "address  the cluster publishes none: just down, then just up" }];
  const url = `http://localhost:${port}`;
  return [{ good: true, text: `address  ${url}` }, await healthAt(url)];
}

async function findings(shell: Shell, place: Place): Promise<Finding[]> {
  const server = (await readContexts(shell)).server(place.context);
  if (server === null) return [{ good: false, text: `cluster  kubectl has no context ${place.context}: just up` }];
  const pods = await readPods(shell, place);
  if (pods === null) return [{ good: false, text: `cluster  ${place.context} (${server}) does not answer: just up` }];
  const found: Finding[] = [{ good: true, text: `cluster  ${place.context} (${server})` }];
  const last = (await releaseHistory(shell, place)).at(-1);
  found.push({
    good: last?.status === "deployed",
    text: `release  ${last === undefined ? "none" : `revision ${last.revision} is ${last.status}`}`,
  });
  const waiting = pods.filter(({ ready }) => !ready);
  const named = waiting.map(({ name, state: why }) => `; ${name} ${why}`).join("");
  found.push({
    good: pods.length > 0 && waiting.length === 0,
    text: `pods     ${pods.length - waiting.length} of ${pods.length} are ready${named}`,
  });
  return [...found, ...(await readApi(shell, place))];
}

async function status(args: readonly string[]): Promise<number> {
  const environment = readEnvironment();
  try {
    const { values, help } = parseCommandLine(STATUS, args);
    if (help) {
      process.stdout.write(asTyped(usageOf(STATUS)));
      return 0;
    }
    const place = { context: values.CONTEXT ?? KIND_CONTEXT, namespace: values.NAMESPACE ?? NAMESPACE };
    const state = openState(environment.stateFolder);
    const shell = createShell({ logFile: `${state.folder}/status.log` });
    const found = await findings(shell, place);
    for (const { good, text } of found) process.stdout.write(`${good ? "ok  " : "BAD "} ${asTyped(text)}\n`);
    const table = await shell.ask(kubectl(place, "get", "pods"));
    if (found.length > 1) process.stdout.write(`\n${table?.stdout ?? ""}`);
    return found.every(({ good }) => good) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(asTyped(`${error.message}\n\n${usageOf(STATUS)}`));
    return 2;
  }
}

if (import.meta.main) process.exitCode = await status(process.argv.slice(2));
