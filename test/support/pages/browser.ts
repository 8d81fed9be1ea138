/** A real Chromium, and pages of it that note whatever a strict page must not do. */
import { type Browser, chromium, type Page } from "playwright-core";
import { announceBackend, withoutBackend } from "../servers/backend.ts";

const COMMANDS = ["chromium", "chromium-browser", "google-chrome"];
/** A sandbox needs rights that containers lack; the others keep it from asking its maker anything. */
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

/** Null: the suite is skipped, and said so; with `REQUIRE_BACKENDS=1` that is a failure. */
export async function openBrowser(suite: string): Promise<Browser | null> {
  const executablePath = findChromium();
  if (executablePath === null) return withoutBackend(suite, `CHROMIUM_PATH, ${COMMANDS.join(", ")}`);
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  announceBackend(suite, `Chromium ${browser.version()}`);
  return browser;
}

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors of the console and of scripts, breaches of the content security policy, requests to other origins. */
  readonly offences: string[];
}

export interface PageOptions {
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce" | "no-preference";
  readonly permissions?: readonly string[];
  /** Run in the page before its own scripts. */
  readonly before?: string;
}

/** An empty page that is about to show this origin. */
export async function openPage(browser: Browser, origin: string, options: PageOptions = {}): Promise<WatchedPage> {
  const { before, permissions = [], ...look } = options;
  const context = await browser.newContext({
    ...look,
    permissions: [...permissions],
    viewport: { width: 1360, height: 820 },
  });
  // Below that of a test, so that what was waited for is named.
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const offences: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || /Content.Security.Policy/i.test(message.text())) offences.push(message.text());
  });
  page.on("pageerror", (error) => offences.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url)) offences.push(`asks ${url}`);
  });
  if (before !== undefined) await page.addInitScript(before);
  return { page, offences, [Symbol.asyncDispose]: () => context.close() };
}
