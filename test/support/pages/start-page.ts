/** The start page as a test reads it. */
import type { Page } from "playwright-core";

/** Waits for a state; throws with the one that is shown instead. */
export async function reaches(page: Page, state: "live" | "waiting" | "away" | "locked"): Promise<void> {
  try {
    await page.locator(`#state[data-state="${state}"]`).waitFor();
  } catch (cause) {
    throw new Error(`Not ${state}, but: ${await page.locator("#state").textContent()}`, { cause });
  }
}
