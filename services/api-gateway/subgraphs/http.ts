/** Queries and mutations of a subgraph in another process: GraphQL over HTTP. */
import type { ExecutionResult } from "@graphql-tools/utils";
import { type DocumentNode, type GraphQLFormattedError, print } from "graphql";
import { isAppError, messageOf } from "../../../schema/model/errors.ts";
import { CLIENT_HEADER, ROW_LISTS_HEADER } from "../../platform/graphql/server.ts";
import { exposeError, type SubgraphContext } from "../../platform/graphql/subgraph.ts";
import type { UnderWay } from "../../platform/graphql/under-way.ts";
import { bearer } from "../../platform/http/bearer.ts";
import { Availability } from "../../platform/process/availability.ts";
import { backoffMs, type Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { oncePerKey } from "../../platform/process/once-per-key.ts";
import { readAnswer } from "./answer-budget.ts";
import { receiveErrors, type SubgraphRequest, unavailable } from "./subgraph.ts";

export interface RemoteHttpOptions {
  readonly name: string;
  readonly url: string;
  /** INTERNAL_TOKEN; null if the subgraph requires none. */
  readonly token: string | null;
  readonly log: Logger;
  readonly clock: Clock;
  /** The bytes of all answers of the process. */
  readonly underWay: UnderWay;
  /** Called once per request, with its duration and whether the subgraph answered. */
  readonly onRequest: (seconds: number, answered: boolean) => void;
}

interface WireResult {
  readonly data?: ExecutionResult["data"];
  readonly errors?: readonly GraphQLFormattedError[];
}

const isResult = (value: unknown): value is WireResult =>
  typeof value === "object" && value !== null && ("data" in value || "errors" in value);

/** Maximum number of times that a query is sent if its connections break. */
const ATTEMPTS = 3;

/** The subgraph refused the token, or its answer is not GraphQL. A retry would get the same answer. */
class StrangeAnswer extends Error {}

export type RemoteHttp = (request: SubgraphRequest, context: SubgraphContext) => Promise<ExecutionResult>;

/**
 * Sends a mutation once. A query is sent up to twice more if its connection is refused or breaks, because its server
 * may have been replaced. If the context's signal aborts, the connection is cut, and the subgraph ends the request.
 */
export function createRemoteHttp({ name, url, token, log, clock, underWay, onRequest }: RemoteHttpOptions): RemoteHttp {
  const availability = new Availability(`${name} over HTTP`, { log, clock });
  // The planner caches its plans, so the same document objects come again.
  const textOf = oncePerKey((document: DocumentNode) => print(document));
  const headers = {
    accept: "application/json",
    "content-type": "application/json",
    ...(token === null ? {} : { authorization: bearer(token) }),
  };

  async function post(body: string, context: SubgraphContext): Promise<WireResult> {
    const signal = context.signal ?? null;
    const call = context.answer?.rows?.call() ?? null;
    const client = context.answer?.client ?? "";
    const asked = {
      ...headers,
      ...(client === "" ? {} : { [CLIENT_HEADER]: client }),
      ...(call === null ? {} : { [ROW_LISTS_HEADER]: call.prefix }),
    };
    const response = await fetch(url, { method: "POST", headers: asked, body, redirect: "error", signal });
    const text = await readAnswer(response, context, { underWay, call });
    if (response.status === 401)
      throw new StrangeAnswer("INTERNAL_TOKEN is refused: set the same one for all services");
    try {
      const result: unknown = JSON.parse(text);
      if (isResult(result)) return result;
    } catch {
      // The body is not JSON: a proxy's error page, or a truncated answer.
    }
    throw new StrangeAnswer(`the answer must be GraphQL, got ${response.status} ${response.statusText}`);
  }

  async function send(body: string, { isQuery, context }: { isQuery: boolean; context: SubgraphContext }) {
    const { signal } = context;
    for (let attempt = 0; ; attempt++) {
      try {
        return await post(body, context);
      } catch (error) {
        const isBroken = !isAppError(error) && !(error instanceof StrangeAnswer);
        // Retries during a known outage would mostly delay the error.
        const attempts = isQuery && isBroken && !availability.isDown ? ATTEMPTS : 1;
        if (attempt + 1 >= attempts || signal?.aborted) throw error;
        await clock.sleep(backoffMs(attempt), { signal });
      }
    }
  }

  return async ({ document, variables, operationName, operationType = "query" }, context) => {
    const startedAt = clock.monotonic();
    const measure = (answered: boolean) => onRequest((clock.monotonic() - startedAt) / 1000, answered);
    const body = JSON.stringify({ query: textOf(document), variables, operationName });
    try {
      const { data, errors } = await send(body, { isQuery: operationType === "query", context });
      availability.up();
      measure(true);
      if (errors === undefined) return { data };
      return { ...(data === undefined ? {} : { data }), errors: receiveErrors(errors, { subgraph: name, log }) };
    } catch (error) {
      if (isAppError(error)) {
        measure(true);
        return { errors: [exposeError(error, log)] };
      }
      if (!context.signal?.aborted) availability.down(messageOf(error));
      measure(false);
      return unavailable(name);
    }
  };
}
