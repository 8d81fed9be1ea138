/** A `kubectl port-forward` to the API for as long as a command needs it, on clusters that publish no port of ours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { kubectl, type Place } from "../run/place.ts";
import { shown } from "../run/shell.ts";
import { Trouble } from "../run/trouble.ts";

const START_MS = 30_000;
const KEPT_CHARACTERS = 500;

export interface Forward extends AsyncDisposable {
  readonly url: string;
}

/** The command with which a user reaches the API; it runs until Ctrl-C and ends when its pod does. */
export const forwardCommand = (place: Place, port: number): string =>
  shown(kubectl(place, "port-forward", "service/api-gateway", `${port}:8080`));

/**
 * Resolves when kubectl listens on a free port of localhost.
 *
 * @throws Trouble with kubectl's output if it ends first, or does not listen within 30 s
 */
export async function openForward(place: Place): Promise<Forward> {
  const [program, ...args] = kubectl(place, "port-forward", "service/api-gateway", ":8080");
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  const closed = once(child, "close").catch((error: Error) => {
    output.stderr += error.message;
  });
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] = (output[name] + text).slice(-KEPT_CHARACTERS);
    });
  }
  const timer = setTimeout(() => child.kill("SIGTERM"), START_MS);
  const port = await new Promise<string | undefined>((resolve) => {
    child.stdout.on("data", () => {
      const found = /^Forwarding from 127\.0\.0\.1:(\d+) /m.exec(output.stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
    void closed.then(() => resolve(undefined));
  });
  clearTimeout(timer);
  if (port === undefined) {
    throw new Trouble(`kubectl port-forward to service api-gateway ended: ${output.stderr.trim()}`, {
      next: [shown(kubectl(place, "get", "endpoints", "api-gateway"))],
    });
  }
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await closed;
    },
  };
}
