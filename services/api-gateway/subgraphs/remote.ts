/** A subgraph in another process: queries over HTTP, subscriptions over one WebSocket, and whether it is ready. */
import { AppError } from "../../../schema/model/errors.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { ANSWER_SECONDS, type Metrics } from "../../platform/process/metrics.ts";
import { createRemoteHttp } from "./http.ts";
import { createRemoteSocket } from "./socket.ts";
import type { SubgraphExecutor } from "./subgraph.ts";

const READY_TIMEOUT_MS = 2000;
/** Probes of many come together: one question a second is enough. */
const READY_AGE_MS = 1000;

export interface RemoteSubgraph extends AsyncDisposable {
  readonly execute: SubgraphExecutor;
  /** @throws AppError `unavailable` that says why it is not ready */
  ready(): Promise<void>;
}

/** Asks `/readyz` beside the GraphQL address; what it said holds for a moment. */
function createReadiness(url: string): () => Promise<void> {
  const address = new URL("/readyz", url);
  let asked: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  const refuse = (message: string, cause?: unknown): never => {
    throw new AppError(message, { code: "unavailable", cause });
  };
  const ask = async (): Promise<void> => {
    const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
    const response = await fetch(address, { signal }).catch((error: Error) => refuse("does not answer", error));
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return;
    const { dependencies } = (body ?? {}) as { dependencies?: Record<string, string> };
    refuse(`is not ready: ${Object.keys(dependencies ?? {}).join(", ") || response.status}`);
  };
  return () => {
    if (asked === undefined || performance.now() - askedAt > READY_AGE_MS) {
      askedAt = performance.now();
      asked = ask();
    }
    return asked;
  };
}

/** @param urls GraphQL addresses by subgraph */
export function openRemoteSubgraphs<Name extends string>(
  urls: Readonly<Record<Name, string>>,
  { token, log, metrics }: { token: string | null; log: Logger; metrics: Metrics },
): Readonly<Record<Name, RemoteSubgraph>> {
  const seconds = metrics.histogram({
    name: "subgraph_request_duration_seconds",
    help: "Time of queries and mutations to a subgraph, by outcome: answer or away.",
    labels: ["subgraph", "outcome"],
    buckets: ANSWER_SECONDS,
  });
  const resumed = metrics.counter({
    name: "subgraph_resumed_subscriptions_total",
    help: "Subscriptions that went on after the connection to their subgraph was cut.",
    labels: ["subgraph"],
  });
  const open = (subgraph: Name): RemoteSubgraph => {
    const url = urls[subgraph];
    const common = { name: subgraph, token, log: log.child({ subgraph }) };
    const query = createRemoteHttp({
      ...common,
      url,
      onAsked: (took, answered) => seconds.observe({ subgraph, outcome: answered ? "answer" : "away" }, took),
    });
    const socket = createRemoteSocket({
      ...common,
      url: url.replace(/^http/, "ws"),
      onResumed: () => resumed.inc({ subgraph }),
    });
    return {
      execute: (request, context) =>
        request.operationType === "subscription" ? socket.subscribe(request, context) : query(request, context),
      ready: createReadiness(url),
      [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
    };
  };
  const names = Object.keys(urls) as Name[];
  return Object.fromEntries(names.map((name) => [name, open(name)])) as Record<Name, RemoteSubgraph>;
}
