import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { listen } from "../../../services/platform/http/listen.ts";

/** Sends the head of a request, and returns all bytes up to the end of the connection. */
async function answerTo(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write([...lines, "Connection: close", "", ""].join("\r\n"));
  return text(socket);
}

test.each([
  {
    hostname: "127.0.0.1",
    portVariable: "API_PORT",
    says: /another process listens there; free the port or set API_PORT$/,
  },
  { hostname: "127.0.0.1", portVariable: undefined, says: /free the port or set PORT$/ },
  {
    hostname: "nosuch.invalid",
    portVariable: "API_PORT",
    says: /HOST must be an address or a name of this machine, got "nosuch/,
  },
  {
    hostname: "8.8.8.8",
    portVariable: "API_PORT",
    says: /HOST must be an address or a name of this machine, got "8.8.8.8"/,
  },
])(
  "listen() on a taken port of $hostname from $portVariable says what to change",
  async ({ hostname, portVariable, says }) => {
    const fetch = () => new Response();
    await using taken = await listen({ port: 0, hostname: "127.0.0.1", fetch });
    expect(listen({ port: taken.port, hostname, portVariable, fetch })).rejects.toThrow(says);
  },
);

const WEBSOCKET = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];

test("listen() answers an invalid Host with 400 and a thrown error with 500, without details of the process", async () => {
  await using listener = await listen({
    port: 0,
    hostname: "127.0.0.1",
    websocket: { maxMessageBytes: 1000 },
    fetch: (request) => {
      if (new URL(request.url).pathname === "/broken") throw new Error("secret of /etc/passwd");
      return new Response("fine");
    },
  });
  const cases: [status: number, lines: readonly string[]][] = [
    [200, ["GET / HTTP/1.1", "Host: localhost"]],
    [400, ["GET / HTTP/1.1", "Host: ["]],
    [400, ["GET / HTTP/1.1", "Host: a b"]],
    [400, ["GET / HTTP/1.1", "Host: localhost:99999"]],
    [400, ["GET / HTTP/1.0"]],
    [400, ["GET / HTTP/1.1", "Host: [", ...WEBSOCKET]],
    [500, ["GET /broken HTTP/1.1", "Host: localhost"]],
  ];
  for (const [status, lines] of cases) {
    const answer = await answerTo(listener.port, lines);
    expect([lines, answer.split("\r\n")[0]]).toEqual([lines, expect.stringContaining(` ${status} `)]);
    if (status !== 200) expect(answer).toContain("application/problem+json");
    expect(answer).not.toMatch(/secret|services\/|node_modules|Bun/);
  }
});

test("listen() closes a connection that is idle after its answer, and none whose request waits", async () => {
  const answered = Promise.withResolvers<void>();
  await using listener = await listen({
    port: 0,
    hostname: "127.0.0.1",
    // Bun looks every 4 s.
    idleSeconds: 8,
    fetch: async ({ url }) => {
      if (new URL(url).pathname === "/long") await answered.promise;
      return new Response("fine");
    },
  });
  const ask = (path: string) => {
    const socket = connect(listener.port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return text(socket);
  };
  const long = ask("/long");
  expect(await ask("/short")).toEndWith("fine");
  answered.resolve();
  expect(await long).toEndWith("fine");
}, 30_000);
