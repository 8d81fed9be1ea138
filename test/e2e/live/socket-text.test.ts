/** WebSocket messages of clients are bounded before they are parsed, and little of their text is kept. */
import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { MAX_INIT_BYTES } from "../../../services/platform/graphql/graphql-socket.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { serveApiOn } from "../../support/api/served-api.ts";
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { openTelemetry } from "../../support/api/subgraph.ts";
import { residentMiB } from "../../support/process/resident.ts";
import { eventually } from "../../support/time/eventually.ts";

const SUBSCRIPTION = "subscription { readings { missed } }";
/** JSON that takes many times its length in memory. */
const junk = (characters: number) => Array.from({ length: Math.floor(characters / 3) }, () => ({}));
/** Memory may grow by this, MiB; attacks of a few MB of text took about 100 MiB without these limits. */
const GROWTH = 80;
/** The same while 270 MB of pings arrive, which would pile up; what remains below is garbage not collected yet. */
const GROWTH_UNDER_PINGS = 160;

/** A WebSocket without a client library. Frames are not masked: the mask is all zeros. */
async function openRaw(url: string) {
  const { host, hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  const lines = ["GET /graphql HTTP/1.1", `Host: ${host}`, "Upgrade: websocket", "Connection: Upgrade"];
  const key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
  socket.write([...lines, ...key, "Sec-WebSocket-Protocol: graphql-transport-ws", "", ""].join("\r\n"));
  let received = Buffer.alloc(0);
  socket.on("data", (data) => {
    received = Buffer.concat([received, data as Buffer]);
  });
  await eventually(() => received.includes("\r\n\r\n"), { what: "the upgrade" });
  const closed = once(socket, "close");
  return {
    socket,
    closed,
    /** The code of the close frame, once it has come. */
    code: () => {
      const at = received.indexOf(Buffer.from([0x88]));
      return at === -1 || received.length < at + 4 ? null : received.readUInt16BE(at + 2);
    },
    send(opcode: number, isLast: boolean, payload: Buffer) {
      const head = Buffer.alloc(14);
      head[0] = (isLast ? 0x80 : 0) | opcode;
      head[1] = 0x80 | 127;
      head.writeBigUInt64BE(BigInt(payload.length), 2);
      socket.write(Buffer.concat([head, payload]));
    },
    ping() {
      socket.write(Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125, "p")]));
    },
  };
}

for (const runtime of ["bun", "deno"] as const) {
  describe(`on ${runtime}`, () => {
    test("a connection_init of more than 8 kB ends its socket with 1009, and nothing of it is kept", async () => {
      await using api = await serveApiOn(runtime, {});
      const before = await residentMiB(api.program.pid);
      const sockets = await Promise.all(
        Array.from({ length: 20 }, () => openRawSocket(api.url, { init: { junk: junk(200_000) } })),
      );
      expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual(sockets.map(() => 1009));
      expect((await residentMiB(api.program.pid)) - before).toBeLessThan(GROWTH);
      const fits = await openRawSocket(api.url, { init: { junk: "x".repeat(MAX_INIT_BYTES - 200) } });
      fits.send(subscribeMessage("a", "{ __typename }"));
      await eventually(() => fits.told.some(({ type }) => type === "next"), { what: "an answer" });
      fits.socket.terminate();
    }, 60_000);

    test("variables that a subscription does not declare are not kept", async () => {
      await using api = await serveApiOn(runtime, { config: { maxSubscriptions: 1000 } });
      const sockets = await Promise.all(Array.from({ length: 10 }, () => openRawSocket(api.url)));
      const before = await residentMiB(api.program.pid);
      for (const { told, send } of sockets) {
        // One after the other: a socket must not hold more text than five of them have.
        for (const id of ["a", "b", "c", "d"]) {
          send(subscribeMessage(id, SUBSCRIPTION, { variables: { junk: junk(90_000) }, extensions: {} }));
          await eventually(() => told.some((message) => message.id === id), { what: "the snapshot" });
        }
      }
      expect(sockets.flatMap(({ told }) => told.filter(({ type }) => type === "error"))).toEqual([]);
      expect((await residentMiB(api.program.pid)) - before).toBeLessThan(GROWTH);
      for (const { socket } of sockets) socket.terminate();
    }, 60_000);

    test("pings are answered without long payloads, and do not pile up for a client that reads nothing", async () => {
      await using api = await serveApiOn(runtime, {});
      const { socket, told, send } = await openRawSocket(api.url);
      send({ type: "ping", payload: { at: 1 } });
      await eventually(() => told.some(({ type }) => type === "pong"), { what: "the pong" });
      expect(told.at(-1)).toEqual({ type: "pong", payload: { at: 1 } });
      socket.pause();
      const before = await residentMiB(api.program.pid);
      for (let n = 0; n < 3000; n++) send({ type: "ping", payload: { text: "x".repeat(90_000) } });
      await eventually(() => socket.bufferedAmount === 0, { what: "every ping to be read" });
      expect((await residentMiB(api.program.pid)) - before).toBeLessThan(GROWTH_UNDER_PINGS);
      socket.resume();
      send(subscribeMessage("a", "{ __typename }"));
      await eventually(() => told.some(({ type }) => type === "complete"), { what: "an answer" });
      for (const { payload } of told.filter(({ type }) => type === "pong").slice(1)) expect(payload).toBeUndefined();
      socket.terminate();
    }, 60_000);

    test("pongs of the protocol do not pile up for a client that reads nothing", async () => {
      await using api = await serveApiOn(runtime, {});
      const raw = await openRaw(api.url);
      raw.socket.pause();
      const before = await residentMiB(api.program.pid);
      for (let n = 0; n < 300_000 && raw.socket.writable; n++) raw.ping();
      await eventually(async () => (await fetch(`${api.url}/healthz`)).ok, { what: "health" });
      expect((await residentMiB(api.program.pid)) - before).toBeLessThan(GROWTH);
      raw.socket.destroy();
    }, 60_000);
  });
}

describe("on bun, fragments are not gathered beyond the limit of a message", () => {
  const attack = async (url: string) => {
    const raw = await openRaw(url);
    for (let n = 0; n < 16 && raw.code() === null; n++) {
      raw.send(n === 0 ? 1 : 0, false, Buffer.alloc(1_000_000, " "));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => raw.code() !== null, { what: "the close frame" });
    raw.socket.destroy();
    return raw.code();
  };

  test("in a gateway", async () => {
    await using api = await serveApiOn("bun", {});
    const before = await residentMiB(api.program.pid);
    const codes = [];
    for (let n = 0; n < 40; n++) codes.push(await attack(api.url));
    expect(new Set(codes)).toEqual(new Set([1009]));
    expect((await residentMiB(api.program.pid)) - before).toBeLessThan(GROWTH);
  }, 60_000);

  test("in a subgraph", async () => {
    await using subgraph = await openTelemetry();
    expect(await attack(subgraph.url.replace("/graphql", ""))).toBe(1009);
  });
});

test("a socket whose operations hold half a megabyte of text is ended with 1013", async () => {
  await using api = await openApi();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  api.store.before = () => held;
  const { closed, send } = await openRawSocket(api.url);
  for (let n = 0; n < 8; n++) send(subscribeMessage(String(n), `{ gpus { total } } #${"x".repeat(90_000)}`));
  expect(await closed).toBe(1013);
  release();
});

test("an undeclared variable is dropped, and declared ones reach a subgraph in another process", async () => {
  await using api = await openRemoteApi();
  const { told, send, socket } = await openRawSocket(api.url);
  const query = "query ($uuid: ID!) { gpu(uuid: $uuid) { uuid } }";
  const uuid = "GPU-00000000-0000-4000-8000-000000000001";
  send(subscribeMessage("a", query, { variables: { uuid, junk: [{}], ["__proto__"]: 1 } }));
  await eventually(() => told.some(({ type }) => type === "complete"), { what: "the answer" });
  expect(told.find(({ type }) => type === "next")?.payload).toMatchObject({ data: { gpu: { uuid } } });
  socket.terminate();
});
