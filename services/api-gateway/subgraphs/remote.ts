/** A subgraph in another process: sends queries over HTTP and subscriptions over a WebSocket, and checks readiness. */
import { AppError } from "../../../schema/model/errors.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { ANSWER_SECONDS, type Metrics } from "../../platform/process/metrics.ts";
import { createBytesUnderWay } from "./answer-budget.ts";
import { createRemoteHttp } from "./http.ts";
import { createRemoteSocket } from "./socket.ts";
import type { SubgraphExecutor } from "./subgraph.ts";

const READY_TIMEOUT_MS = 2000;
/** How long an answer about readiness is reused, because many probes may ask at once. */
const READY_AGE_MS = 1000;

export interface RemoteSubgraph extends AsyncDisposable {
  readonly execute: SubgraphExecutor;
  /** @throws AppError `unavailable` with the reason why the subgraph is not ready */
  ready(): Promise<void>;
}

/** Runs `call` with a signal that aborts after `ms`. */
async function within<T>(ms: number, clock: Clock, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const over = new AbortController();
  void clock.sleep(ms, { signal: over.signal }).then(() => late.abort());
  try {
    return await call(late.signal);
  } finally {
    over.abort();
  }
}

/** Asks `/readyz` of the server that has the GraphQL address `url`. */
function createReadiness(url: string, clock: Clock): () => Promise<void> {
  const address = new URL("/readyz", url);
  let asked: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  const refuse = (message: string, cause?: unknown): never => {
    throw new AppError(message, { code: "unavailable", cause });
  };
  const ask = async (signal: AbortSignal): Promise<void> => {
    const response = await fetch(address, { signal }).catch((error: Error) => refuse("does not answer", error));
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return;
    const { dependencies } = (body ?? {}) as { dependencies?: Record<string, string> };
    refuse(`is not ready: ${Object.keys(dependencies ?? {}).join(", ") || response.status}`);
  };
  return () => {
    if (asked === undefined || clock.monotonic() - askedAt > READY_AGE_MS) {
      askedAt = clock.monotonic();
      asked = within(READY_TIMEOUT_MS, clock, ask);
    }
    return asked;
  };
}

export interface RemoteParts {
  /** INTERNAL_TOKEN; null if the subgraphs require none. */
  readonly token: string | null;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** @param urls GraphQL addresses by subgraph */
export function openRemoteSubgraphs<Name extends string>(
  urls: Readonly<Record<Name, string>>,
  { token, log, metrics, clock }: RemoteParts,
): Readonly<Record<Name, RemoteSubgraph>> {
  const seconds = metrics.histogram({
    name: "subgraph_request_duration_seconds",
    help: "Time of queries and mutations to a subgraph, by outcome: answer or away.",
    labels: ["subgraph", "outcome"],
    buckets: ANSWER_SECONDS,
  });
  const resumed = metrics.counter({
    name: "subgraph_resumed_subscriptions_total",
    help: "Subscriptions that were resumed after the connection to their subgraph was cut.",
    labels: ["subgraph"],
  });
  const underWay = createBytesUnderWay(clock);
  const open = (subgraph: Name): RemoteSubgraph => {
    const url = urls[subgraph];
    const common = { name: subgraph, token, log: log.child({ subgraph }), clock };
    const query = createRemoteHttp({
      underWay,
      ...common,
      url,
      onRequest: (took, answered) => seconds.observe({ subgraph, outcome: answered ? "answer" : "away" }, took),
    });
    const socket = createRemoteSocket({
      ...common,
      url: url.replace(/^http/, "ws"),
      onResumed: () => resumed.inc({ subgraph }),
    });
    return {
      execute: (request, context) =>
        request.operationType === "subscription" ? socket.subscribe(request, context) : query(request, context),
      ready: createReadiness(url, clock),
      [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
    };
  };
  const names = Object.keys(urls) as Name[];
  return Object.fromEntries(names.map((name) => [name, open(name)])) as Record<Name, RemoteSubgraph>;
}
