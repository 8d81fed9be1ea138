import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { openApi } from "../../support/api/api.ts";
import { uuidOf } from "../../support/api/fleet.ts";
import { postGraphql } from "../../support/api/graphql-answer.ts";
import { serveApiOn } from "../../support/api/served-api.ts";
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { eventually } from "../../support/time/eventually.ts";

/** The largest answer: 250,000 readings, about 20 MB. */
const LARGEST = "{ gpus(limit: 25) { gpus { telemetry(limit: 10000) { telemetry { metricName value timestamp } } } } }";
const FLEET = { gpus: 25, ticks: 5000 };
const ROWS = 250_000;
/** Eight answers made of objects took 1,100 MB on Bun. */
const MAX_PEAK_MB = 800;

/** Asks again after an overload: on a busy machine, eight answers may take longer than one of them may wait. */
async function rowsOf(url: string): Promise<number> {
  for (;;) {
    const response = await postGraphql(`${url}/graphql`, JSON.stringify({ query: LARGEST }));
    const text = await response.text();
    if (!text.includes('"OVERLOADED"')) return text.split("metricName").length - 1;
  }
}

async function peakMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1000;
}

/** Sends the query, and reads nothing after the first bytes of the answer. */
async function askAndStop(url: string): Promise<Socket> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  const body = JSON.stringify({ query: LARGEST });
  const first = new Promise<void>((resolve) => socket.once("data", () => resolve(void socket.pause())));
  const head = ["POST /graphql HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"];
  socket.write([...head, `content-length: ${body.length}`, "", body].join("\r\n"));
  await first;
  return socket;
}

async function restOf(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (data) => {
    text += data;
  });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  await closed;
  return text;
}

for (const runtime of ["bun", "deno"] as const) {
  test(`eight of the largest queries at once take bounded memory, on ${runtime}`, async () => {
    await using api = await serveApiOn(runtime, FLEET);
    const rows = await Promise.all(Array.from({ length: 8 }, () => rowsOf(api.url)));
    expect(rows).toEqual(Array(8).fill(ROWS));
    expect(await peakMb(api.program.pid)).toBeLessThan(MAX_PEAK_MB);
  }, 60_000);

  test(`clients that stop reading are cut off, and others are answered then, on ${runtime}`, async () => {
    await using api = await serveApiOn(runtime, { ...FLEET, speed: 30 });
    const stuck = await Promise.all([askAndStop(api.url), askAndStop(api.url), askAndStop(api.url)]);
    expect(await rowsOf(api.url)).toBe(ROWS);
    for (const socket of stuck) expect(await restOf(socket)).not.toEndWith("0\r\n\r\n");
  }, 60_000);
}

test("an answer that finds no room in time has a code and a time to wait; small answers pass", async () => {
  await using api = await openApi(FLEET);
  const stuck = await askAndStop(api.url);
  const waiting = api.graphql(LARGEST);
  const small = await api.graphql(`{ gpuTelemetry(uuid: "${uuidOf(1)}", limit: 100) { count } }`);
  expect(small.data.gpuTelemetry.count).toBe(100);
  const { errors } = await waiting;
  expect(errors?.[0]?.extensions).toMatchObject({ code: "OVERLOADED", retryAfterMs: 1000 });
  stuck.destroy();
  await eventually(async () => (await api.graphql(LARGEST)).errors === undefined, { what: "room" });
}, 60_000);

test("a query over WebSocket holds its room until it is sent", async () => {
  await using api = await openApi(FLEET);
  const { socket, send, told } = await openRawSocket(api.url);
  socket.pause();
  for (const id of ["a", "b"]) send(subscribeMessage(id, LARGEST));
  const { errors } = await api.graphql(LARGEST);
  expect(errors?.[0]?.extensions?.code).toBe("OVERLOADED");
  socket.resume();
  await eventually(() => told.filter(({ type }) => type === "complete").length === 2, { what: "both answers" });
  expect((await api.graphql(LARGEST)).errors).toBeUndefined();
  socket.close();
}, 60_000);
