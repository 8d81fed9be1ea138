/** Reads the start page in tests. */
import type { Page } from "playwright-core";

/** Waits until the page shows a state. @throws Error with the text that it shows instead */
export async function reaches(page: Page, state: "live" | "waiting" | "offline" | "locked"): Promise<void> {
  try {
    await page.locator(`#state[data-state="${state}"]`).waitFor();
  } catch (cause) {
    throw new Error(`Not ${state}, but: ${await page.locator("#state").textContent()}`, { cause });
  }
}
