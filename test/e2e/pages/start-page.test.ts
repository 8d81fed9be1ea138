import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { openBrowser, openPage, type WatchedPage } from "../../support/pages/browser.ts";
import { reaches } from "../../support/pages/start-page.ts";
import { violationsOf } from "../../support/pages/violations.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { Member } from "../../support/programs/member.ts";
import { onRuntime } from "../../support/programs/process.ts";
import { outputOf } from "../../support/programs/shell.ts";
import { freePort } from "../../support/servers/free-port.ts";
import { eventually } from "../../support/time/eventually.ts";

setDefaultTimeout(60_000);
const browser = await openBrowser("start page");
afterAll(() => browser?.close());

const numberIn = (text: string): number => Number(text.replace(/\D/g, "") || Number.NaN);

if (browser !== null) describe("the start page of a running server", () => follow(browser));

function follow(chromium: Browser): void {
  let origin: string;
  let server: Member;
  let shown: WatchedPage;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const text = async (id: string) => (await shown.page.locator(`#${id}`).textContent()) ?? "";

  beforeAll(async () => {
    folder = await temporaryFolder();
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    server = new Member({
      name: "all-in-one",
      command: onRuntime("bun", "services/all-in-one/main.ts"),
      env: { PORT: String(port), LOG_FORMAT: "json", SQLITE_PATH: join(folder.path, "store.sqlite") },
    });
    server.start();
    await server.listening();
    shown = await openPage(chromium, origin, { permissions: ["clipboard-read", "clipboard-write"] });
    await shown.page.goto(`${origin}/`);
  });
  afterAll(async () => {
    await shown[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("shows the running parts and changing numbers", async () => {
    await reaches(shown.page, "live");
    expect(await text("parts")).toBe("all-in-one everything in one process");
    expect(await text("about")).toMatch(/^Version \d+\.\d+\.\d+, up for \d+ seconds?$/);
    await eventually(async () => numberIn(await text("gpus")) === 24 && (await text("hosts")) === "on 3 hosts", {
      what: "24 GPUs on 3 hosts",
    });
    expect(await shown.page.locator("#rows tr").count()).toBe(8);
    const seen = numberIn(await text("received"));
    const first = shown.page.locator("#rows tr").first();
    const complete = /^gpu-node-\d+ \d+ \S+ (\d+ °C \d+ % \d+ W)$/;
    const row = async () => complete.exec((await first.locator("th, td").allTextContents()).join(" "))?.[1];
    await eventually(row, { what: "a row without gaps" });
    // A row is found by its GPU: rows change places.
    const gpu = shown.page.locator(`#rows tr[title="${await first.getAttribute("title")}"]`);
    const values = new Set<string>();
    const moved = async () => {
      const [now] = await gpu.allTextContents();
      if (now?.endsWith("W")) values.add(now);
      return values.size > 3 && numberIn(await text("received")) > seen;
    };
    await eventually(moved, { what: "more readings, and other values of a GPU in the table" });
    await eventually(async () => numberIn(await text("rate")) > 0, { what: "readings per second" });
    expect(await text("announcement")).toMatch(/^[\d,]+ readings? per second of \d+ GPUs$/);
    expect(numberIn(await text("depth"))).toBeGreaterThanOrEqual(0);
    expect(shown.offences).toEqual([]);
  });

  test("every link has a target", async () => {
    const links = await shown.page.locator("a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    expect(links).toEqual(["/graphql", "/swagger/index.html", "/openapi.json", "/metrics", "/health"]);
    for (const path of links) {
      expect([path, (await fetch(origin + path, { headers: { accept: "text/html" } })).status]).toEqual([path, 200]);
    }
  });

  test("a button copies its command unchanged, and the command prints data in a shell", async () => {
    const { page } = shown;
    const commands = page.locator(".command");
    const answers = [
      /^\{"data":\{"gpus":\{"total":24,/,
      /^\{"gpus":\[\{"uuid":"GPU-/,
      /^data: \{"data":\{"readings":/m,
    ];
    expect(await commands.count()).toBe(answers.length);
    for (const [index, answer] of answers.entries()) {
      const command = commands.nth(index);
      await command.getByRole("button").click();
      await command.getByText("Copied").waitFor();
      expect(await page.locator("#announcement").textContent()).toBe("Copied");
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      expect(copied).toBe((await command.locator("code").textContent()) ?? "");
      expect(await outputOf(copied, (output) => answer.test(output))).toMatch(answer);
    }
  });

  test("copies without the clipboard API; if that is refused, selects the command and names the keys", async () => {
    const hidden = "Object.defineProperty(navigator, 'clipboard', { value: undefined });";
    const refused = `${hidden} document.execCommand = () => false;`;
    for (const [before, word] of [
      [hidden, "Copied"],
      [refused, "Press Ctrl+C"],
    ] as const) {
      await using plain = await openPage(chromium, origin, { before });
      await plain.page.goto(`${origin}/`);
      const command = plain.page.locator(".command").nth(1);
      await command.getByRole("button").press("Enter");
      await command.getByText(word).waitFor();
      const code = await command.locator("code").textContent();
      if (before === hidden) expect(await shown.page.evaluate(() => navigator.clipboard.readText())).toBe(code ?? "");
      else expect(await plain.page.evaluate(() => String(getSelection()))).toBe(code ?? "");
      expect(plain.offences).toEqual([]);
    }
  });

  test("is accessible in light and dark, on a wide and a narrow screen", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await shown.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const width of [1360, 390]) {
        await shown.page.setViewportSize({ width, height: 820 });
        expect([colorScheme, width, await violationsOf(shown.page)]).toEqual([colorScheme, width, []]);
        const wide = await shown.page.locator("main *").evaluateAll((parts) =>
          parts
            .filter((part) => part.className !== "unseen" && part.parentElement !== null)
            .filter((part) => {
              const bound = (part.parentElement as Element).getBoundingClientRect().right;
              return part.getBoundingClientRect().right > bound + 0.5;
            })
            .map((part) => part.tagName),
        );
        expect([width, wide]).toEqual([width, []]);
      }
    }
    const duration = await shown.page
      .locator(".DCGM_FI_DEV_GPU_UTIL")
      .first()
      .evaluate((cell) => getComputedStyle(cell).transitionDuration);
    expect(duration).toBe("0s");
    await shown.page.setViewportSize({ width: 1360, height: 820 });
  });

  test("shows that the server is gone, and is live again after its restart", async () => {
    expect(shown.offences).toEqual([]);
    await server.kill();
    await reaches(shown.page, "offline");
    expect(await text("state")).toMatch(/^The server does not answer: trying again in \d+ s$/);
    expect(await text("announcement")).toMatch(/^The server does not answer/);
    server.start();
    await reaches(shown.page, "live");
    const seen = numberIn(await text("received"));
    await eventually(async () => numberIn(await text("received")) > seen, { what: "readings after the restart" });
    // The console reports refused connections as errors. There must be no other.
    expect(shown.offences.filter((offence) => !/ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(offence))).toEqual([]);
  });

  test("the checks notice an inline style, a foreign request and a missing label", async () => {
    await using bad = await openPage(chromium, origin);
    await bad.page.goto(`${origin}/`);
    const noticed = async (what: string) => {
      await eventually(() => bad.offences.length > 0, { what: `a report of ${what}` });
      bad.offences.length = 0;
    };
    await bad.page.evaluate(() => document.body.setAttribute("style", "color: #eee; background: #fff"));
    await noticed("an inline style");
    await bad.page.evaluate(() => void fetch("http://elsewhere.invalid/").catch(() => {}));
    await noticed("another origin");
    // A field that the page's own scripts do not hide again.
    await bad.page.evaluate(() => document.body.append(document.createElement("input")));
    expect(await violationsOf(bad.page)).toContainEqual(expect.stringContaining("label"));
  });
}
