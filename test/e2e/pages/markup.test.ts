/** Markup in names of the data and in addresses: no page runs it as a script, or shows it as anything but text. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import type { Series } from "../../../schema/model/reading.ts";
import { openApi } from "../../support/api/api.ts";
import { START, TEMP, uuidOf } from "../../support/api/fleet.ts";
import { openBrowser, openPage } from "../../support/pages/browser.ts";
import { reaches } from "../../support/pages/start-page.ts";
import { eventually } from "../../support/time/eventually.ts";

setDefaultTimeout(60_000);
const browser = await openBrowser("markup in pages");
afterAll(() => browser?.close());

/** Each sets `taken` if a page treats it as markup, as a script or as an address. */
const MARKUP = [
  `<img src=x class=mark onerror="taken=1">`,
  `"><svg class=mark onload=taken=1>`,
  `</script><script class=mark>taken=1</script>`,
  `'-(taken=1)-'`,
  "{{taken=1}}",
  `<a class=mark href="javascript:taken=1">a</a>`,
  `[a](javascript:taken=1)<b class=mark>b</b>`,
] as const;

/** Everything that an injection would leave in the page. */
const tracesIn = (page: Page): Promise<unknown> =>
  page.evaluate(() => [
    "taken" in window,
    document.querySelectorAll(".mark, [onerror], [onload], [href^='javascript:']").length,
  ]);
const NONE = [false, 0];

/** An API whose GPUs have the markup as every name, and series that have it in a label. */
async function openMarked() {
  const api = await openApi({ gpus: 0 });
  for (const [index, name] of MARKUP.entries()) {
    const facts = { index: name, device: name, model: name, host: name, driver: name };
    const more = { pciBusId: name, labels: name, instances: [], firstSeen: START, lastSeen: START };
    const holders = [{ kind: "pod", namespace: name, pod: name, container: name, podUid: name } as const];
    api.store.known.push({ uuid: uuidOf(index), ...facts, ...more, holders });
    for (const series of [TEMP, `DCGM_FI_DEV_GPU_UTIL{zone=${JSON.stringify(name)}}` as Series]) {
      api.store.stored.push({ gpu: uuidOf(index), series, at: START, value: 90 - index });
    }
  }
  return api;
}

if (browser !== null) describe("markup in names of the data", () => look(browser));

function look(chromium: Browser): void {
  test("the start page shows it as text", async () => {
    await using api = await openMarked();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    await page.goto(`${api.url}/`);
    await reaches(page, "live");
    const tell = (host: string, index: number) =>
      api.feed.tell({ gpu: uuidOf(index), host, series: TEMP, at: START + 1000, value: 90 - index });
    for (const [index, name] of MARKUP.entries()) tell(name, index);
    const hosts = () => page.locator("#rows th.host").allTextContents();
    await eventually(async () => (await hosts()).length === MARKUP.length, { what: "a row for each GPU" });
    expect(await hosts()).toEqual([...MARKUP]);
    const holders = page.locator("#rows td.holder");
    await eventually(async () => (await holders.first().textContent()) === MARKUP[0], { what: "the names of pods" });
    expect(await holders.allTextContents()).toEqual([...MARKUP]);
    expect(await tracesIn(page)).toEqual(NONE);
    expect(shown.offences).toEqual([]);
  });

  test("the start page shows errors and reasons of the server as text", async () => {
    await using api = await openApi();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    for (const [index, detail] of MARKUP.entries()) {
      await page.unrouteAll();
      await page.route("**/about.json", (route) =>
        route.fulfill({
          status: 429,
          contentType: "application/problem+json",
          body: JSON.stringify({ status: 429, detail }),
        }),
      );
      await page.goto(`${api.url}/?${index}`);
      await page.locator("#state").getByText(detail).waitFor();
      expect(await tracesIn(page)).toEqual(NONE);
    }
    await page.unrouteAll();
    api.health.now = { healthy: false, away: { [MARKUP[0]]: MARKUP[1] } };
    await page.goto(`${api.url}/`);
    await reaches(page, "live");
    expect(await tracesIn(page)).toEqual(NONE);
    expect(shown.offences.filter((offence) => !/429|503/.test(offence))).toEqual([]);
  });

  test("GraphiQL shows it as text, in answers and in the query and variables of its address", async () => {
    await using api = await openMarked();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    const fields = "uuid hostname modelName pod latest { metricName }";
    const asked = new URLSearchParams({
      query: `query Marked($h: String) { gpus { gpus { ${fields} } } hosts { hostname } } # ${MARKUP.join(" ")}`,
      variables: JSON.stringify(Object.fromEntries(MARKUP.map((name) => [name, name]))),
      headers: JSON.stringify({ [MARKUP[0]]: MARKUP[2] }),
      operationName: MARKUP[2],
    });
    await page.goto(`${api.url}/graphql?${asked}`);
    await page.getByRole("button", { name: /execute query/i }).waitFor();
    await page.locator(".view-line").getByText("Marked").first().waitFor();
    expect(await tracesIn(page)).toEqual(NONE);
    expect(shown.offences).toEqual([]);

    // A page of its own, because GraphiQL keeps the headers of the first one.
    await using run = await openPage(chromium, api.url);
    const plain = new URLSearchParams({ query: `{ gpus { gpus { ${fields} } } hosts { hostname } }` });
    await run.page.goto(`${api.url}/graphql?${plain}`);
    await run.page.getByRole("button", { name: /execute query/i }).click();
    await run.page.locator(".result-window").getByText("onload").first().waitFor();
    expect(await tracesIn(run.page)).toEqual(NONE);
    expect(run.offences).toEqual([]);
  });

  test("Swagger UI shows it as text, and takes neither document nor settings from its address", async () => {
    await using api = await openMarked();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    const elsewhere = "http://elsewhere.invalid/openapi.json";
    const asked = new URLSearchParams({
      url: elsewhere,
      configUrl: elsewhere,
      urls: elsewhere,
      layout: MARKUP[0],
      spec: "{}",
    });
    await page.goto(`${api.url}/swagger/index.html?${asked}#/${encodeURIComponent(MARKUP[0])}/${MARKUP[2]}`);
    const list = page.locator(".opblock").filter({ has: page.locator('[data-path="/api/v1/gpus"]') });
    await list.locator(".opblock-summary-control").click();
    await list.getByRole("button", { name: "Try it out" }).click();
    await list.getByRole("textbox").first().fill(MARKUP[0]);
    await list.getByRole("button", { name: "Execute" }).click();
    await list.locator(".live-responses-table .response-col_status").getByText("200").waitFor();
    await list.getByRole("textbox").first().fill("");
    await list.getByRole("button", { name: "Execute" }).click();
    await list.locator(".live-responses-table .microlight").getByText("onerror").first().waitFor();
    expect(await tracesIn(page)).toEqual(NONE);
    expect(shown.offences).toEqual([]);
  });

  test("an answer that repeats it is not shown as a page", async () => {
    await using api = await openMarked();
    await using shown = await openPage(chromium, api.url);
    const { page } = shown;
    for (const name of MARKUP) {
      const text = encodeURIComponent(name);
      const paths = [
        `/${text}`,
        `/api/v1/gpus/${text}`,
        `/api/v1/gpus?${text}=1`,
        `/api/v1/gpus?hostname=${text}`,
        `/api/v1/${text}`,
      ];
      for (const path of paths) {
        const answer = await page.goto(api.url + path);
        expect([path, answer?.headers()["content-type"]]).toEqual([
          path,
          expect.stringMatching(/^application\/(problem\+)?json/),
        ]);
        expect([path, await tracesIn(page)]).toEqual([path, NONE]);
      }
    }
    for (const accept of ["text/html", "text/html,application/xhtml+xml", "*/*"]) {
      const { headers } = await api.get("/api/v1/gpus", { headers: { accept } });
      expect(headers.get("content-type")).not.toContain("html");
    }
  });
}
