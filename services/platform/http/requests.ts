/** Answers, logs and measures every HTTP request, including requests that fail. */
import type { Logger } from "../process/logger.ts";
import { ANSWER_SECONDS, type Metrics } from "../process/metrics.ts";
import { problemOf } from "./problem.ts";

const SLOW_MS = 1000;
const METHODS = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);

export interface RequestParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Maps a path to one of a few routes, because the number of label values must be bounded. */
  readonly routeOf: (pathname: string) => string;
  /** Routes whose requests wait by design; they are never logged as slow. */
  readonly waiting?: ReadonlySet<string>;
  /** Headers for every response, failures included. */
  readonly headersOf?: (request: Request, response: Response) => Readonly<Record<string, string>>;
}

/**
 * Turns the response to GET into the response to HEAD: keeps the headers, and sets content-length to the size of the
 * body that is not sent. If the body is empty, the response gets an empty stream and no content-length.
 */
async function withoutBody(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const { status, headers } = response;
  const { byteLength } = await response.arrayBuffer();
  // With a null body, the runtimes would send content-length: 0, but GET may stream a body of unknown length.
  if (byteLength === 0) return new Response(emptyStream(), { status, headers });
  headers.set("content-length", String(byteLength));
  return new Response(null, { status, headers });
}

export const emptyStream = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ pull: (controller) => controller.close() }, { highWaterMark: 0 });

/** Never rejects: an error of `answer` is logged and becomes a 500. */
export function measureRequests(
  { log, metrics, routeOf, waiting = new Set(), headersOf = () => ({}) }: RequestParts,
  answer: (request: Request, url: URL) => Promise<Response>,
): (request: Request) => Promise<Response> {
  const seconds = metrics.histogram({
    name: "http_request_duration_seconds",
    help: "Time to the head of a response, by route, method and status.",
    labels: ["route", "method", "status"],
    buckets: ANSWER_SECONDS,
  });
  return async (request) => {
    const startedAt = performance.now();
    const url = new URL(request.url);
    let response: Response;
    try {
      response = await answer(request, url);
    } catch (error) {
      const fields = { method: request.method, path: url.pathname, error };
      if (request.signal.aborted) log.debug("caller disconnected", fields);
      else log.error("request failed", fields);
      response = problemOf("internal", "Internal error: see the log of the service");
    }
    response.headers.set("x-content-type-options", "nosniff");
    for (const [name, value] of Object.entries(headersOf(request, response))) {
      if (name === "vary") response.headers.append(name, value);
      else response.headers.set(name, value);
    }
    if (request.method === "HEAD") response = await withoutBody(response);
    const tookMs = performance.now() - startedAt;
    const { status } = response;
    const fields = { method: request.method, path: url.pathname, status, tookMs: Math.round(tookMs) };
    const route = routeOf(url.pathname);
    if (status >= 500 || (tookMs > SLOW_MS && !waiting.has(route))) log.info("request", fields);
    else log.debug("request", fields);
    const method = METHODS.has(request.method) ? request.method : "other";
    seconds.observe({ route, method, status: String(status) }, tookMs / 1000);
    return response;
  };
}
