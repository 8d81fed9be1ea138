/** HTTP requests of one server: all are measured, and logged at debug; at info when they fail or take long. */
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

const SLOW_MS = 1000;
const DURATION_BUCKETS_S = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30];
const METHODS = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);

export interface RequestMeterParts {
  readonly metrics: Metrics;
  readonly log: Logger;
  /** The route that a path belongs to: a few, whatever is asked. */
  readonly routeOf: (pathname: string) => string;
  /** Routes whose requests wait for something to come: they are never slow. */
  readonly waiting?: ReadonlySet<string>;
}

/** Call it when the head of the answer is there. @param startedAt by `performance.now()` */
export type RequestMeter = (request: Request, status: number, startedAt: number) => void;

export function createRequestMeter({ metrics, log, routeOf, waiting = new Set() }: RequestMeterParts): RequestMeter {
  const seconds = metrics.histogram({
    name: "http_request_duration_seconds",
    help: "Time to the head of an answer, by route, method and status.",
    labels: ["route", "method", "status"],
    buckets: DURATION_BUCKETS_S,
  });
  return ({ method, url }, status, startedAt) => {
    const tookMs = performance.now() - startedAt;
    const { pathname } = new URL(url);
    const route = routeOf(pathname);
    const fields = { method, path: pathname, status, tookMs: Math.round(tookMs) };
    if (status >= 500 || (tookMs > SLOW_MS && !waiting.has(route))) log.info("request", fields);
    else log.debug("request", fields);
    seconds.observe({ route, method: METHODS.has(method) ? method : "other", status: String(status) }, tookMs / 1000);
  };
}
