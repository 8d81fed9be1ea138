import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { openBrowser, openPage } from "../../support/pages/browser.ts";
import { reaches } from "../../support/pages/start-page.ts";
import { violationsOf } from "../../support/pages/violations.ts";
import { outputOf } from "../../support/programs/shell.ts";
import { eventually } from "../../support/time/eventually.ts";

setDefaultTimeout(60_000);
const browser = await openBrowser("pages in a browser");
afterAll(() => browser?.close());

if (browser !== null) describe("pages in a browser", () => look(browser));

function look(chromium: Browser): void {
  test("an empty store: the page says how to fill it, and shows the first GPU", async () => {
    await using api = await openApi({ gpus: 0 });
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    await page.goto(`${api.url}/`);
    await page.getByText("No GPUs yet. Start the server with CSV_PATH").waitFor();
    expect(await page.locator("#hottest").isVisible()).toBe(false);
    expect(await violationsOf(page)).toEqual([]);
    api.fill({ gpus: 3, ticks: 2 });
    await eventually(async () => (await page.locator("#gpus").textContent()) === "3", { what: "three GPUs" });
    expect(await page.locator("#empty").isVisible()).toBe(false);
    expect(shown.offences).toEqual([]);
  });

  test("a distributed system: the page names its parts, and those that are unavailable", async () => {
    await using api = await openRemoteApi({ gpus: 20 });
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    const parts = () => page.locator("#parts li").allInnerTexts();
    await page.clock.install();
    await page.goto(`${api.url}/`);
    await reaches(page, "live");
    const all = ["api-gateway answers", "inventory answers", "telemetry answers", "pipeline answers"];
    expect(await parts()).toEqual(all);
    expect(shown.offences).toEqual([]);

    const depth = (shows: string) =>
      eventually(async () => (await page.locator("#depth").textContent()) === shows, { what: `${shows} in the queue` });
    await depth("0");
    api.health.now = { healthy: false, away: { pipeline: "does not answer" } };
    api.queue.stats = () => Promise.reject(new Error("The queue is unavailable"));
    await page.clock.fastForward(6000);
    await depth("–");
    await page.locator("#parts .unavailable").waitFor();
    expect(await parts()).toEqual([...all.filter((part) => !part.startsWith("pipeline")), "pipeline does not answer"]);
    expect(await violationsOf(page)).toEqual([]);
  });

  test("API_TOKEN: the page is live once the token is entered, and keeps the token in its tab", async () => {
    await using api = await openApi({ config: { apiToken: "s3cret" } });
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    const give = async (token: string) => {
      await page.getByLabel("API token").fill(token);
      await page.keyboard.press("Enter");
    };
    await page.goto(`${api.url}/`);
    await reaches(page, "locked");
    expect(await violationsOf(page)).toEqual([]);
    expect(await page.locator("#token").evaluate((field) => field === document.activeElement)).toBe(true);
    await give("wrong");
    await page.getByText("The server does not accept this token.").waitFor();
    await give("s3cret");
    await reaches(page, "live");
    expect(await page.locator("#gpus").textContent()).toBe("3");
    expect(await page.evaluate(() => [sessionStorage.length, localStorage.length])).toEqual([1, 0]);
    expect(await page.getByLabel("API token").isVisible()).toBe(false);

    for (const [index, answer] of [/"total":3/, /"uuid":"GPU-/, /^data: \{"data":\{"readings":/m].entries()) {
      const command = (await page.locator(".command code").nth(index).textContent()) ?? "";
      expect(command).not.toContain("s3cret");
      expect(await outputOf(command, (output) => answer.test(output), { env: { API_TOKEN: "s3cret" } })).toMatch(
        answer,
      );
    }
    await page.reload();
    await reaches(page, "live");
    await page.getByRole("button", { name: "Forget the token" }).click();
    await reaches(page, "locked");
    expect(await page.evaluate(() => [sessionStorage.length, localStorage.length])).toEqual([0, 0]);
    // The console reports answers with 401 as errors. There must be no other.
    expect(shown.offences.filter((offence) => !offence.includes("401"))).toEqual([]);
  });

  test("a refused request: the page shows the reason, and recovers", async () => {
    await using api = await openApi();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    const detail = "More than 100 requests in a second";
    const answers = [
      { status: 429, contentType: "application/problem+json", body: JSON.stringify({ status: 429, detail }) },
      { status: 200, contentType: "text/html", body: "<h1>Sign in</h1>" },
    ];
    await page.route("**/about.json", (route) => {
      const answer = answers.shift();
      return answer === undefined ? route.continue() : route.fulfill(answer);
    });
    const inventory = [{ status: 200, contentType: "application/json", body: '{"data":{"gpus":null,"hosts":null}}' }];
    await page.route("**/graphql", (route) => {
      const answer = route.request().postData()?.includes("hosts") ? inventory.shift() : undefined;
      return answer === undefined ? route.continue() : route.fulfill(answer);
    });
    await page.goto(`${api.url}/`);
    await page.locator("#state").getByText(`${detail}: trying again in 1 s`).waitFor();
    await page.locator("#state").getByText("The answer did not come from the server: trying again").waitFor();
    await page.locator("#state").getByText("The inventory is unavailable: trying again in 1 s").waitFor();
    await reaches(page, "live");
  });

  test("GraphiQL loads and runs a query", async () => {
    await using api = await openApi();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    await page.goto(`${api.url}/graphql?query=${encodeURIComponent("{ gpus { total } }")}`);
    await page.getByRole("button", { name: /execute query/i }).click();
    await page.locator(".result-window").getByText("total").waitFor();
    expect(await page.locator(".result-window").textContent()).toContain("3");
    expect(shown.offences).toEqual([]);
  });

  test("Swagger UI loads and runs a request", async () => {
    await using api = await openApi();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    await page.goto(`${api.url}/swagger/index.html`);
    const list = page.locator(".opblock").filter({ has: page.locator('[data-path="/api/v1/gpus"]') });
    await list.locator(".opblock-summary-control").click();
    await list.getByRole("button", { name: "Try it out" }).click();
    await list.getByRole("button", { name: "Execute" }).click();
    await list.locator(".live-responses-table .response-col_status").getByText("200").waitFor();
    expect(await list.locator(".live-responses-table .microlight").first().textContent()).toContain('"total": 3');
    expect(shown.offences).toEqual([]);
  });
}
