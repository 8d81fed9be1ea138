/** One HTTP and WebSocket listener that is the same on Bun and Deno. */
import type { Hooks } from "crossws";
import { serve } from "crossws/server";
import { AppError } from "../../../schema/model/errors.ts";
import type { Logger } from "../process/logger.ts";
import { problemOf } from "./problem.ts";

export interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Takes no more requests; resolves when those under way are answered, or `withinMs` is over. */
  drain(withinMs: number): Promise<void>;
  /** Resolves once every request has got the head of its answer: streams that run on do not count. */
  idle(): Promise<void>;
}

export interface ListenOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly hostname: string;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** crossws hooks; absent: WebSocket upgrades are refused. */
  readonly websocket?: Partial<Hooks>;
  /** Told of what `fetch` and the hooks throw; callers are told nothing. */
  readonly log?: Logger;
}

/** Runtimes answer what is thrown with a page that shows where. A Host that is none makes an address that is none. */
const answerThrown = (log: Logger | undefined) => (error: unknown) => {
  // Deno gives it no code.
  if (error instanceof TypeError && error.message.startsWith("Invalid URL")) {
    return problemOf("invalid", "The Host of the request is no host name: accepted is one, with or without a port");
  }
  log?.error("request failed", { error });
  return problemOf("internal", "Something is wrong on our side; the log says what");
};

/** Counts the requests that are being answered. */
function countRequests(fetch: ListenOptions["fetch"]) {
  let running = 0;
  let ended = () => {};
  return {
    async fetch(request: Request): Promise<Response> {
      running++;
      try {
        return await fetch(request);
      } finally {
        if (--running === 0) ended();
      }
    },
    idle: () =>
      new Promise<void>((resolve) => {
        if (running === 0) resolve();
        else ended = resolve;
      }),
  };
}

/** @throws AppError `unavailable` when the port is taken or may not be bound */
export async function listen({ port, hostname, fetch, websocket, log }: ListenOptions): Promise<Listener> {
  const requests = countRequests(fetch);
  try {
    const server = serve({
      port,
      hostname,
      fetch: requests.fetch,
      error: answerThrown(log),
      silent: true,
      gracefulShutdown: false,
      // Quiet SSE streams outlive Bun's default of 10 s.
      bun: { idleTimeout: 0 },
      ...(websocket === undefined ? {} : { websocket }),
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
        await server.close(true);
      },
    };
  } catch (error) {
    throw new AppError(`Cannot listen on ${hostname}:${port}: ${(error as Error).message}; free the port or set PORT`, {
      code: "unavailable",
      cause: error,
    });
  }
}
