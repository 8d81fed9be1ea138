/** Whether the service in this container lives: the image has no shell and no curl to ask with. */

import { port, readListenConfig } from "../../services/platform/http/listen-config.ts";
import {
  ConfigError,
  type Env,
  gatherConfigs,
  parseEnv,
  readEnvironment,
} from "../../services/platform/process/env.ts";

const DEADLINE_MS = 4000;

/** A service that listens on all addresses listens on its own, too. */
const reachable = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host);

/**
 * Where the service may listen: only some heed API_PORT, and whoever asks does not know which one this is.
 * @throws ConfigError
 */
export function healthAddresses(env: Env): readonly URL[] {
  const { address, apiPort } = gatherConfigs({
    address: () => readListenConfig(env),
    apiPort: () => parseEnv(env, { API_PORT: port().optional() }).API_PORT,
  });
  const host = reachable(address.host);
  const ports = new Set([apiPort ?? address.port, address.port]);
  return [...ports].map((at) => new URL(`http://${host.includes(":") ? `[${host}]` : host}:${at}/healthz`));
}

async function isAlive(url: URL): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) })).ok;
  } catch {
    return false;
  }
}

/** Ends the process: 0 when the service says that it lives. */
export async function checkHealth(): Promise<never> {
  try {
    const urls = healthAddresses(readEnvironment());
    for (const url of urls) if (await isAlive(url)) process.exit(0);
    process.stdout.write(`No answer from ${urls.join(" and ")}\n`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stdout.write(`${error.message}\n`);
  }
  process.exit(1);
}
