/** The same sources under Deno: the same answers to the same questions. */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { onePass, sourceEnded, startAllInOne } from "../support/all-in-one.ts";
import { smallExport } from "../support/dcgm-export.ts";
import { addressOf } from "../support/process.ts";
import { openEvents } from "../support/sse.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

const UUID = "GPU-5fd4f087-86f3-7a43-b711-4771313afc50";

async function answers(address: string, uuid: string): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const path of [
    "/api/v1/gpus",
    `/api/v1/gpus/${uuid}`,
    `/api/v1/gpus/${uuid}/telemetry`,
    `/api/v1/gpus/${uuid}/telemetry?metric=DCGM_FI_DEV_GPU_UTIL&limit=1`,
    "/api/v1/gpus?limit=-1",
    `/api/v1/gpus/${UUID.replace("5", "6")}`,
    "/openapi.json",
    "/swagger/index.html",
    "/nowhere",
  ]) {
    const response = await fetch(address + path);
    // Bun says the charset of JSON, too.
    const type = response.headers.get("content-type")?.replace(/;.*/, "");
    given[path] = { status: response.status, type, body: await response.text() };
  }
  const query = "{ hosts { hostname gpus } gpus(limit: 3) { total next gpus { uuid latest { metricName value } } } }";
  const graphql = await fetch(`${address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  given.graphql = await graphql.json();
  await using events = await openEvents(address, "subscription { readings { readings { gpuUuid metricName value } } }");
  given.subscription = await events.next();
  return given;
}

test("all-in-one gives the same answers on Bun and on Deno", async () => {
  const csv = await smallExport(folder.path);
  const [uuid = ""] = csv.expected.keys();
  const given: Record<string, unknown> = {};
  for (const runtime of ["bun", "deno"] as const) {
    await using program = startAllInOne(onePass(csv.path, join(folder.path, `${runtime}.sqlite`)), runtime);
    const address = await addressOf(program);
    await sourceEnded(program);
    given[runtime] = await answers(address, uuid);
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  }
  expect(given.deno).toEqual(given.bun);
}, 60_000);
