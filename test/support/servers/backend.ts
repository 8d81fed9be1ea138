/** Reports which server a suite runs on, or that the suite is skipped because there is none. */
import { getContainerRuntimeClient } from "testcontainers";

/** Prints one conspicuous line between the results of tests. */
export const announceBackend = (suite: string, server: string): void => console.log(`# ${suite}: runs on ${server}`);

/**
 * Reports that a suite is skipped. With `REQUIRE_BACKENDS=1` a skipped suite is a failure.
 * @throws Error that names the servers searched for
 */
export function withoutBackend(suite: string, lookedFor: string): null {
  const reason = `no server found; searched for ${lookedFor}`;
  if (process.env.REQUIRE_BACKENDS === "1") throw new Error(`${suite}: ${reason}`);
  console.warn(`\n### SKIPPED: ${suite}: ${reason}\n`);
  return null;
}

/**
 * Whether a container engine answers, so that testcontainers can start containers. Its reaper is disabled: it needs an
 * image of its own and keeps Bun from exiting. Containers are removed by `await using` instead.
 */
export async function hasContainerEngine(): Promise<boolean> {
  process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}
