/**
 * Subscribers over one transport, until SIGTERM. Logs `ready` once each has its snapshot, and `seen` with all records
 * at the end. `readers-program.ts websocket|sse URL COUNT GPUS`
 */
import { createWatcher, take, type Watcher } from "./frames.ts";
import { queryOf } from "./load.ts";

const [transport, url = "", count, gpus] = process.argv.slice(2);
const address = new URL(url);
const say = (line: Record<string, unknown>) => console.log(JSON.stringify(line));

function watchSocket(query: string, watcher: Watcher): () => void {
  const socket = new WebSocket(`ws://${address.host}/graphql`, "graphql-transport-ws");
  socket.addEventListener("open", () => socket.send('{"type":"connection_init"}'));
  socket.addEventListener("message", ({ data }) => {
    const text = String(data);
    if (text.startsWith('{"id"')) {
      if (text.includes('"type":"next"')) take(watcher, text);
      else watcher.trouble ??= text.slice(0, 500);
    } else if (text.includes("connection_ack")) {
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query } }));
    } else if (text.includes('"ping"')) socket.send('{"type":"pong"}');
  });
  socket.addEventListener("close", ({ code, reason }) => {
    watcher.trouble ??= `closed with ${code} ${reason}`;
  });
  return () => socket.close();
}

/** Reads from a plain socket: Bun limits a process to 256 concurrent calls of fetch. */
function watchEvents(query: string, watcher: Watcher): () => void {
  let buffered = "";
  const opening = Bun.connect({
    hostname: address.hostname,
    port: Number(address.port),
    socket: {
      open(socket) {
        const path = `/graphql?query=${encodeURIComponent(query)}`;
        socket.write(`GET ${path} HTTP/1.1\r\nhost: ${address.host}\r\naccept: text/event-stream\r\n\r\n`);
      },
      data(_socket, bytes) {
        buffered += bytes.toString("latin1");
        for (let end = buffered.indexOf("\n\n"); end !== -1; end = buffered.indexOf("\n\n")) {
          const event = buffered.slice(0, end);
          buffered = buffered.slice(end + 2);
          if (event.includes("event: next")) take(watcher, event);
        }
      },
      close() {
        watcher.trouble ??= "the stream ended";
      },
      error(_socket, error) {
        watcher.trouble ??= error.message;
      },
    },
  });
  return () => void opening.then((socket) => socket.end());
}

const watch = transport === "sse" ? watchEvents : watchSocket;
const watchers = Array.from({ length: Number(count) }, createWatcher);
const leave: (() => void)[] = [];
// Opens ten connections every 10 ms.
for (const [number, watcher] of watchers.entries()) {
  leave.push(watch(queryOf(number, { gpus: Number(gpus) }), watcher));
  if (number % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 10));
}
const timer = setInterval(() => {
  const troubled = watchers.find(({ trouble }) => trouble !== null);
  if (watchers.some(({ frames }) => frames === 0) && troubled === undefined) return;
  clearInterval(timer);
  say({ message: "ready", trouble: troubled?.trouble ?? null });
}, 20);
process.on("SIGTERM", () => {
  clearInterval(timer);
  say({ message: "seen", watchers });
  for (const end of leave) end();
  process.exit(0);
});
