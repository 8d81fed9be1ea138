/** What the API says to a list of questions: equal whenever the same readings are stored, however it is wired. */
import { openEvents } from "./sse.ts";

const UNKNOWN = "GPU-6fd4f087-86f3-7a43-b711-4771313afc50";

const subscriptionOf = (uuid: string): string =>
  `subscription { readings(filter: { gpus: ["${uuid}"] }) { missed readings { gpuUuid metricName value timestamp } } }`;

/** @param uuid a GPU that is known */
export async function answersOf(address: string, uuid: string): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const path of [
    "/api/v1/gpus",
    `/api/v1/gpus/${uuid}`,
    `/api/v1/gpus/${uuid}/telemetry`,
    `/api/v1/gpus/${uuid}/telemetry?metric=DCGM_FI_DEV_GPU_UTIL&limit=1`,
    "/api/v1/gpus?limit=-1",
    `/api/v1/gpus/${UNKNOWN}`,
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
  await using events = await openEvents(address, subscriptionOf(uuid));
  given.subscription = await events.next();
  return given;
}
