/** An HTTP and WebSocket listener that behaves the same on Bun and Deno. */
import { lookup } from "node:dns/promises";
import type { Hooks } from "crossws";
import { serve, plugin as websocketPlugin } from "crossws/server";
import type { ServerPlugin } from "srvx";
import { AppError, messageOf } from "../../../schema/model/errors.ts";
import type { Logger } from "../process/logger.ts";
import { problemOf } from "./problem.ts";
import { MAX_BUFFERED_BYTES } from "./socket-room.ts";

export interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Accepts no more requests. Resolves when the running requests are answered, or after `withinMs`. */
  drain(withinMs: number): Promise<void>;
  /** Resolves when every request has a response, even if bodies are still being streamed. */
  idle(): Promise<void>;
}

/** crossws hooks, and the most bytes that a client may send as one message. */
export interface SocketHooks extends Partial<Hooks> {
  readonly maxMessageBytes: number;
}

export interface ListenOptions {
  /** If 0, the system chooses a free port. */
  readonly port: number;
  readonly hostname: string;
  /** The environment variable that `port` comes from, for messages. Default: PORT. */
  readonly portVariable?: string | undefined;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Default: WebSocket upgrades are refused. */
  readonly websocket?: SocketHooks;
  /** How long a connection stays open without a request and without bytes of a response. Default: 180 s. */
  readonly idleSeconds?: number;
  /** Gets the errors that `fetch` and the hooks throw; callers do not see them. */
  readonly log?: Logger;
}

/**
 * Answers thrown errors with problem details, because the runtimes' error pages show the stack. An invalid Host header
 * makes the URL of the request invalid; the answer is then 400.
 */
const answerThrown = (log: Logger | undefined) => (error: unknown) => {
  // On Deno the error has no code.
  if (error instanceof TypeError && error.message.startsWith("Invalid URL")) {
    return problemOf("invalid", "Host must be a host name, with or without a port");
  }
  log?.error("request failed", { error });
  return problemOf("internal", "Internal error: see the log of the service");
};

/** How long a connection without a request stays open on Bun. Deno has no such setting. */
const IDLE_S = 180;

interface BunServer {
  timeout(request: Request, seconds: number): void;
}

/** Lets the connection of a request that runs stay open for another while, on Bun. */
function keepOpen(request: Request, seconds: number): void {
  const { runtime } = request as { readonly runtime?: { readonly bun?: { readonly server?: BunServer } } };
  runtime?.bun?.server?.timeout(request, seconds);
}

/** Wraps `fetch` to know the running requests, and keeps their connections open while they wait. */
function trackRequests(fetch: ListenOptions["fetch"], idleSeconds: number) {
  const running = new Set<Request>();
  let ended = () => {};
  const timer = setInterval(
    () => {
      for (const request of running) keepOpen(request, idleSeconds);
    },
    (idleSeconds * 1000) / 3,
  );
  timer.unref();
  return {
    async fetch(request: Request): Promise<Response> {
      running.add(request);
      try {
        return await fetch(request);
      } finally {
        running.delete(request);
        if (running.size === 0) ended();
      }
    },
    idle: () =>
      new Promise<void>((resolve) => {
        if (running.size === 0) resolve();
        else ended = resolve;
      }),
    stop: () => clearInterval(timer),
  };
}

/** Bytes that Bun buffers for one reader before it drops protocol-level pongs, and reports messages as dropped. */
const BACKPRESSURE_BYTES = 2 * MAX_BUFFERED_BYTES;

/**
 * Serves sockets. Bun refuses a long message by its header, and fragments once their sum is too long; the client gets
 * close code 1009. Deno has no such setting: it refuses frames above 64 MiB, and gathers fragments without a limit.
 */
function socketPlugins({ maxMessageBytes, ...hooks }: SocketHooks): ServerPlugin[] {
  const limitMessages: ServerPlugin = ({ options: { bun } }) => {
    if (bun?.websocket === undefined) return;
    Object.assign(bun.websocket, { maxPayloadLength: maxMessageBytes, backpressureLimit: BACKPRESSURE_BYTES });
  };
  return [websocketPlugin(hooks) as ServerPlugin, limitMessages];
}

const isKnownHost = (hostname: string): Promise<boolean> =>
  lookup(hostname).then(
    () => true,
    () => false,
  );

/** Says what is wrong: the port, or the address. For an unknown name, Bun says that the port is in use. */
async function reasonOf(error: unknown, hostname: string, portVariable: string): Promise<string> {
  if (!(await isKnownHost(hostname))) {
    return `HOST must be an address or a name of this machine, got ${JSON.stringify(hostname)}`;
  }
  switch ((error as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return `another process listens there; free the port or set ${portVariable}`;
    case "EACCES":
      return `the system does not permit this port; set ${portVariable} to one from 1024 to 65535`;
    default:
      return `HOST must be an address or a name of this machine, got ${JSON.stringify(hostname)}: ${messageOf(error)}`;
  }
}

/** @throws AppError `unavailable` when the port is taken or cannot be bound */
export async function listen({
  port,
  hostname,
  portVariable = "PORT",
  fetch,
  websocket,
  idleSeconds = IDLE_S,
  log,
}: ListenOptions): Promise<Listener> {
  const requests = trackRequests(fetch, idleSeconds);
  try {
    const server = serve({
      port,
      hostname,
      fetch: requests.fetch,
      error: answerThrown(log),
      silent: true,
      gracefulShutdown: false,
      // Streams send at least a comment within this time.
      bun: { idleTimeout: idleSeconds },
      plugins: websocket === undefined ? [] : socketPlugins(websocket),
    });
    await server.ready();
    const url = new URL(server.url ?? `http://${hostname}:${port}/`);
    return {
      port: Number(url.port === "" ? 80 : url.port),
      url: url.origin,
      drain: async (withinMs) => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const over = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, withinMs);
        });
        await Promise.race([server.close(false), over]);
        clearTimeout(timer);
      },
      idle: requests.idle,
      [Symbol.asyncDispose]: async () => {
        requests.stop();
        await server.close(true);
      },
    };
  } catch (error) {
    requests.stop();
    throw new AppError(`Cannot listen on ${hostname}:${port}: ${await reasonOf(error, hostname, portVariable)}`, {
      code: "unavailable",
      cause: error,
    });
  }
}
