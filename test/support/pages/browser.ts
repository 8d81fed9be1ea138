/** A real Chromium, with pages that record errors and forbidden requests. */
import { type Browser, chromium, type Page } from "playwright-core";
import { announceBackend, withoutBackend } from "../servers/backend.ts";
import { DEADLINE_MS } from "../time/eventually.ts";

const COMMANDS = ["chromium", "chromium-browser", "google-chrome"];
/** No sandbox, because containers lack the rights for it. The other flags disable background requests. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

function findChromium(): string | null {
  const named = process.env.CHROMIUM_PATH;
  if (named) return named;
  for (const command of COMMANDS) {
    const found = Bun.which(command);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Opens Chromium. Without Chromium, prints a warning and returns null: the suite is skipped.
 * @param hosts host names that Chromium resolves to an address of the test's choice
 * @throws Error when there is none and `REQUIRE_BACKENDS=1`
 */
export async function openBrowser(
  suite: string,
  hosts: Readonly<Record<string, string>> = {},
): Promise<Browser | null> {
  const executablePath = findChromium();
  if (executablePath === null) return withoutBackend(suite, `CHROMIUM_PATH, ${COMMANDS.join(", ")}`);
  const rules = Object.entries(hosts).map(([name, address]) => `MAP ${name} ${address}`);
  const args = [...ARGUMENTS, ...(rules.length === 0 ? [] : [`--host-resolver-rules=${rules.join(",")}`])];
  const browser = await chromium.launch({ executablePath, args });
  announceBackend(suite, `Chromium ${browser.version()}`);
  return browser;
}

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors of console and scripts, violations of the content security policy, requests to other origins. */
  readonly offences: string[];
}

export interface PageOptions {
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce" | "no-preference";
  readonly permissions?: readonly string[];
  /** Script that runs in the page before its own scripts. */
  readonly before?: string;
}

/** Opens an empty page for an origin. */
export async function openPage(browser: Browser, origin: string, options: PageOptions = {}): Promise<WatchedPage> {
  const { before, permissions = [], ...look } = options;
  const context = await browser.newContext({
    ...look,
    permissions: [...permissions],
    viewport: { width: 1360, height: 820 },
  });
  // Shorter than the time limit of a test, so that a failure names the missing element.
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const offences: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || /Content.Security.Policy/i.test(message.text())) offences.push(message.text());
  });
  page.on("pageerror", (error) => offences.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url)) offences.push(`requests ${url}`);
  });
  if (before !== undefined) await page.addInitScript(before);
  return { page, offences, [Symbol.asyncDispose]: () => context.close() };
}
