/** What a suite does about the server it needs: says on which it runs, or that it is skipped for want of one. */
import { getContainerRuntimeClient } from "testcontainers";

/** One line, loud enough to be seen between the tests. */
export const announceBackend = (suite: string, server: string): void => console.log(`# ${suite}: runs on ${server}`);

/**
 * Says that the suite is skipped. With `REQUIRE_BACKENDS=1` that is a failure.
 * @throws Error that names what was looked for
 */
export function withoutBackend(suite: string, lookedFor: string): null {
  const reason = `no server for it: looked for ${lookedFor}`;
  if (process.env.REQUIRE_BACKENDS === "1") throw new Error(`${suite}: ${reason}`);
  console.warn(`\n### SKIPPED: ${suite}: ${reason}\n`);
  return null;
}

/**
 * A container engine answers, so testcontainers can start something. Its reaper is an image of its own and keeps Bun from
 * ending: containers go with `await using` instead.
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
