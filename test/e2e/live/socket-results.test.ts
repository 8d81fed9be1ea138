import { expect, test } from "bun:test";
import { serveApiOn } from "../../support/api/served-api.ts";
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { eventually } from "../../support/time/eventually.ts";

const GPUS = 8000;
/** About 2 MB of text. */
const LARGE = `{ gpus(limit: ${GPUS}) { gpus { uuid hostname gpuIndex modelName driverVersion firstSeen lastSeen pod namespace container } } }`;
/** More than the 16 MB that Bun buffers for a socket. */
const QUERIES = 12;

for (const runtime of ["bun", "deno"] as const) {
  test(`a reader that pauses gets every result and complete of its queries afterwards, on ${runtime}`, async () => {
    await using api = await serveApiOn(runtime, { gpus: GPUS, ticks: 1 });
    const { socket, told, send } = await openRawSocket(api.url);
    socket.pause();
    for (let n = 0; n < QUERIES; n++) send(subscribeMessage(String(n), LARGE));
    // Results of the socket come before the answer to a later request.
    const body = JSON.stringify({ query: LARGE });
    await (
      await fetch(`${api.url}/graphql`, { method: "POST", headers: { "content-type": "application/json" }, body })
    ).arrayBuffer();
    socket.resume();
    const count = (type: string) => told.filter((message) => message.type === type).length;
    await eventually(() => count("next") === QUERIES && count("complete") === QUERIES, {
      what: "every result and complete",
      deadlineMs: 20_000,
    }).catch(() => {});
    expect([count("next"), count("complete")]).toEqual([QUERIES, QUERIES]);
    socket.terminate();
  }, 60_000);
}
