/** The health check of the image, which has no shell and no curl: asks the service in this container. */
import { port, readListenConfig } from "../../services/platform/http/listen-config.ts";
import {
  ConfigError,
  type Env,
  gatherConfigs,
  parseEnv,
  readEnvironment,
} from "../../services/platform/process/env.ts";

const DEADLINE_MS = 4000;

/** A service that listens on all addresses is reached on loopback. */
const reachable = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host);

/**
 * Returns the addresses where the service may listen. There can be two, because some services ignore API_PORT and the
 * check does not know which service runs here.
 *
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

/** Exits with 0 if the service answers /healthz with success, and with 1 otherwise. */
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
