/** Serves the exporters of a simulated fleet on HTTP, as the hosts' exporters would answer at the simulated time. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exposition } from "./exposition.ts";
import { targetAt, targetLabels } from "./labels.ts";
import { type FleetOptions, ticksOf } from "./options.ts";
import { Exporters } from "./readings.ts";
import type { Host } from "./topology.ts";

export interface ServeOptions {
  readonly fleet: FleetOptions;
  /** Simulated time, ms since the first tick. */
  readonly now: () => number;
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** Port of the list of targets; 0: any free one. */
  readonly port: number;
  /**
   * `one`: the exporters answer on the same port under `/<host>/metrics`. `per-host`: each on a port of its own under
   * `/metrics`, on those that follow `port`, or on any free ones if `port` is 0.
   */
  readonly ports: "one" | "per-host";
  /** How long a slow exporter lets a request wait before it gives up and closes the connection, ms. */
  readonly slowMs: number;
}

export interface FleetServer extends AsyncDisposable {
  /** The list of targets in the form of Prometheus' http_sd. */
  readonly targets: string;
  /** The address of each host's `/metrics`. */
  readonly metrics: readonly string[];
}

const ADDRESS = "127.0.0.1";
/**
 * dcgm-exporter sets no content type, and Go sniffs the second. Other exporters and proxies send the first.
 */
const CONTENT_TYPES = ["text/plain; version=0.0.4; charset=utf-8", "text/plain; charset=utf-8"] as const;

/** @throws Error if a port is taken */
export async function serveFleet(options: ServeOptions): Promise<FleetServer> {
  const exporters = new Exporters(options.fleet);
  const { hosts } = exporters.state;
  const byName = new Map(hosts.map((host) => [host.id, host]));
  const answer = new Answers(options, exporters);
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => stop(server)));
  };
  const start = async (
    port: number,
    handle: (path: string, response: ServerResponse, request: IncomingMessage) => void,
  ): Promise<number> => {
    const server = createServer((request, response) => handle(pathOf(request), response, request));
    servers.push(server);
    return await listening(server, port, options.host ?? ADDRESS);
  };
  const metrics: string[] = [];
  try {
    const main = await start(options.port, (path, response, { headers }) => {
      if (path === "/targets") return answer.targets(metrics, response, headers.host);
      const [, name = "", rest = ""] = /^\/([^/]+)(\/.*)$/.exec(path) ?? [];
      const host = options.ports === "one" ? byName.get(name) : undefined;
      return host === undefined ? answer.notFound(response) : answer.exporter(host, rest, response);
    });
    for (const host of hosts) {
      if (options.ports === "one") metrics.push(`http://${ADDRESS}:${main}/${host.id}/metrics`);
      else {
        const wanted = options.port === 0 ? 0 : options.port + 1 + host.number;
        const port = await start(wanted, (path, response) => answer.exporter(host, path, response));
        metrics.push(`http://${ADDRESS}:${port}/metrics`);
      }
    }
    return { targets: `http://${ADDRESS}:${main}/targets`, metrics, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "/").split("?")[0]!;

function listening(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Answers requests at the simulated time. */
class Answers {
  readonly #options: ServeOptions;
  readonly #exporters: Exporters;

  constructor(options: ServeOptions, exporters: Exporters) {
    this.#options = options;
    this.#exporters = exporters;
  }

  exporter(host: Host, path: string, response: ServerResponse): void {
    const { fleet, slowMs } = this.#options;
    const { state } = this.#exporters;
    const tick = Math.floor(this.#options.now() / fleet.intervalMs);
    if (path !== "/metrics" && path !== "/health") this.notFound(response);
    else if (tick < 0 || tick >= ticksOf(fleet)) hangUp(response);
    else if (state.reports(host.number, tick)) this.#report(host, path, tick, response);
    else if (state.isSlow(host.number, tick)) {
      const timer = setTimeout(() => hangUp(response), slowMs);
      response.once("close", () => clearTimeout(timer));
    } else hangUp(response);
  }

  #report(host: Host, path: string, tick: number, response: ServerResponse): void {
    const atMs = tick * this.#options.fleet.intervalMs;
    const { state } = this.#exporters;
    response.setHeader("content-type", CONTENT_TYPES[host.number % CONTENT_TYPES.length]!);
    response.setHeader("x-content-type-options", "nosniff");
    response.end(path === "/health" ? "OK" : exposition(state, host, this.#exporters.readings(host, tick), atMs));
  }

  /** @param caller the name under which the list was asked for: exporters on the same port have it, too */
  targets(metrics: readonly string[], response: ServerResponse, caller: string | undefined): void {
    const { ports } = this.#options;
    const { state } = this.#exporters;
    const targets = state.hosts.map((host, place) => {
      const { host: address, pathname } = new URL(metrics[place]!);
      const own = targetLabels(state, targetAt(state, host, this.#options.now()));
      return {
        targets: [ports === "one" ? (caller ?? address) : address],
        labels: { __metrics_path__: pathname, instance: `${host.address}:9400`, ...Object.fromEntries(own) },
      };
    });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(targets));
  }

  notFound(response: ServerResponse): void {
    response.statusCode = 404;
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end("404 page not found\n");
  }
}

/** Closes the connection without an answer, as a host that is down. */
const hangUp = (response: ServerResponse): void => {
  response.socket?.destroy();
};
