import { expect, test } from "bun:test";
import { serveApiOn } from "../../support/api/served-api.ts";
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { eventually } from "../../support/time/eventually.ts";

const QUERIES = 60;
/** An answer that takes several turns' time. */
const QUERY = "{ gpus(limit: 500) { gpus { uuid hostname gpuIndex modelName driverVersion firstSeen lastSeen } } }";

for (const runtime of ["bun", "deno"] as const) {
  test(`a probe is answered among many queries of one socket, on ${runtime}`, async () => {
    await using api = await serveApiOn(runtime, { gpus: 500, ticks: 1 });
    const { socket, told, send } = await openRawSocket(api.url);
    const results = () => told.filter(({ type }) => type === "next").length;
    const other = await openRawSocket(api.url);
    other.send(subscribeMessage("first", QUERY));
    await eventually(() => other.told.some(({ type }) => type === "complete"), { what: "the first answer" });
    for (let n = 0; n < QUERIES; n++) send(subscribeMessage(String(n), QUERY));
    await eventually(() => results() > 0, { what: "the first result" });
    const probe = await fetch(`${api.url}/healthz`);
    const before = results();
    expect(probe.status).toBe(200);
    expect(before).toBeLessThan(QUERIES / 2);
    await eventually(() => results() === QUERIES, { what: "every result", deadlineMs: 30_000 });
    socket.terminate();
    other.socket.terminate();
  }, 60_000);
}
