/** The proxy of the fault tests, in front of real socket servers. */
import { afterEach, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { type FaultProxy, openFaultProxy, type Target } from "../../support/servers/fault-proxy.ts";
import { eventually } from "../../support/time/eventually.ts";

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

interface TestServer extends Target {
  /** Everything received over all connections. */
  received: string;
}

/** Starts a server that answers each piece with `NAME:` and the piece. */
async function startServer(name: string): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      started.received += piece;
      socket.write(`${name}:${piece}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const started = { host: "127.0.0.1", port: (server.address() as { port: number }).port, received: "" };
  return started;
}

interface TestClient {
  readonly socket: Socket;
  received: string;
  closed: boolean;
  /** Sends the text, and waits until everything received ends with the answer. */
  ask(text: string, answer: string): Promise<void>;
}

async function startClient(proxy: FaultProxy): Promise<TestClient> {
  const socket = connect(proxy.port, "127.0.0.1");
  const client: TestClient = {
    socket,
    received: "",
    closed: false,
    ask: async (text, answer) => {
      socket.write(text);
      await eventually(() => client.received.endsWith(answer), { what: `${answer} in "${client.received}"` });
    },
  };
  socket.on("data", (piece) => {
    client.received += piece;
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    client.closed = true;
  });
  open.defer(() => void socket.destroy());
  await eventually(() => socket.readyState === "open" || client.closed, { what: "the client's connection" });
  return client;
}

async function openProxy(...targets: readonly Target[]): Promise<FaultProxy> {
  return open.use(await openFaultProxy(...targets));
}

const closed = (client: TestClient) => eventually(() => client.closed, { what: "the cut" });

test("bytes pass both ways, and the end of one side ends the other", async () => {
  const server = await startServer("a");
  const proxy = await openProxy(server);
  const client = await startClient(proxy);
  await client.ask("one", "a:one");
  await client.ask("two", "a:two");
  client.socket.end();
  await closed(client);
  await eventually(() => proxy.connections === 0, { what: "no connection left" });
  expect(server.received).toBe("onetwo");
  expect(proxy.hits).toBe(0);
});

test("connections take turns between targets and skip an unavailable one", async () => {
  const [a, b] = [await startServer("a"), await startServer("b")];
  const proxy = await openProxy(a, b, { host: "127.0.0.1", port: 1 });
  const answers: string[] = [];
  for (let count = 0; count < 6; count++) {
    const client = await startClient(proxy);
    await client.ask("x", ":x");
    answers.push(client.received);
  }
  expect(answers).toContain("a:x");
  expect(answers).toContain("b:x");
});

test("a connection is cut when all targets are unavailable", async () => {
  const proxy = await openProxy({ host: "127.0.0.1", port: 1 });
  await closed(await startClient(proxy));
});

test("cutAfterRequest() passes the request and never the answer", async () => {
  const server = await startServer("a");
  const proxy = await openProxy(server);
  const [hit, spared] = [await startClient(proxy), await startClient(proxy)];
  proxy.cutAfterRequest(1, { carrying: "claim" });
  await spared.ask("ack", "a:ack");
  hit.socket.write("the claim");
  await closed(hit);
  expect(hit.received).toBe("");
  expect(server.received).toBe("ackthe claim");
  await spared.ask("claim", "a:claim");
  expect(proxy.hits).toBe(1);
});

test("dropReplies() drops answers, then cuts the connections that missed one", async () => {
  const server = await startServer("a");
  const proxy = await openProxy(server);
  const [hit, spared] = [await startClient(proxy), await startClient(proxy)];
  {
    using _dropping = proxy.dropReplies();
    hit.socket.write("one");
    await eventually(() => server.received === "one", { what: "the request at the server" });
    // After a second round trip, the answer to the first request has reached the proxy.
    hit.socket.write("two");
    await eventually(() => server.received === "onetwo", { what: "the second request" });
    expect(hit.closed).toBe(false);
  }
  await closed(hit);
  expect(hit.received).toBe("");
  await spared.ask("three", "a:three");
});

test("stall() holds open and new connections, then passes everything on", async () => {
  const server = await startServer("a");
  const proxy = await openProxy(server);
  const before = await startClient(proxy);
  await before.ask("one", "a:one");
  const stall = proxy.stall();
  const during = await startClient(proxy);
  before.socket.write("two");
  during.socket.write("three");
  await eventually(() => proxy.connections === 2, { what: "the new connection at the proxy" });
  expect(server.received).toBe("one");
  stall[Symbol.dispose]();
  await eventually(() => before.received === "a:onea:two", { what: "the held answer" });
  await eventually(() => during.received === "a:three", { what: "the answer to the new connection" });
});

test("refuse() rejects new connections, keeps open ones, and listens on the same port afterwards", async () => {
  const server = await startServer("a");
  const proxy = await openProxy(server);
  const client = await startClient(proxy);
  await client.ask("one", "a:one");
  {
    await using _refusing = await proxy.refuse();
    await closed(await startClient(proxy));
    await client.ask("two", "a:two");
  }
  const later = await startClient(proxy);
  await later.ask("three", "a:three");
});

test("cutAll() cuts every connection at once", async () => {
  const proxy = await openProxy(await startServer("a"));
  const clients = [await startClient(proxy), await startClient(proxy)];
  for (const client of clients) await client.ask("x", "a:x");
  expect(proxy.cutAll()).toBe(2);
  for (const client of clients) await closed(client);
});

test("a target that does not read slows the client, because the proxy does not buffer", async () => {
  const total = 64 * 1024 * 1024;
  let taken = 0;
  let target: Socket | undefined;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    target = socket;
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      taken += piece.length;
    });
    socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.defer(() => {
    target?.destroy();
    server.close();
  });
  const proxy = await openProxy({ host: "127.0.0.1", port: (server.address() as { port: number }).port });
  const client = connect(proxy.port, "127.0.0.1");
  client.on("error", () => {});
  open.defer(() => void client.destroy());
  let sent = 0;
  const piece = Buffer.alloc(256 * 1024, 7);
  const send = () => {
    while (sent < total) {
      sent += piece.byteLength;
      if (!client.write(piece)) return void client.once("drain", send);
    }
  };
  client.once("connect", send);
  await eventually(() => target, { what: "the connection" });
  // Once the buffers of the kernel are full, the proxy takes no more bytes from the client.
  let last = -1;
  await eventually(
    async () => {
      const before = last;
      last = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return before === sent;
    },
    { what: "the client to be held back" },
  );
  expect(sent).toBeLessThan(total / 2);
  target?.resume();
  await eventually(() => taken >= total, { what: "everything at the target" });
}, 60_000);
