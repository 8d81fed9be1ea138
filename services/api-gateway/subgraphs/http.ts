/** Queries and mutations of a subgraph in another process: GraphQL over HTTP. */
import type { ExecutionResult } from "@graphql-tools/utils";
import { type DocumentNode, type GraphQLFormattedError, print } from "graphql";
import { isAppError, messageOf } from "../../../schema/model/errors.ts";
import { exposeError, type SubgraphContext } from "../../platform/graphql/subgraph.ts";
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
  /** INTERNAL_TOKEN; null: the subgraph takes requests without one. */
  readonly token: string | null;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called once per request, with its duration and whether the subgraph answered. */
  readonly onRequest: (seconds: number, answered: boolean) => void;
}

interface WireResult {
  readonly data?: ExecutionResult["data"];
  readonly errors?: readonly GraphQLFormattedError[];
}

const isResult = (value: unknown): value is WireResult =>
  typeof value === "object" && value !== null && ("data" in value || "errors" in value);

/** Attempts of a query whose connection breaks. */
const ATTEMPTS = 3;

/** The answer is not GraphQL, or a refusal: a retry would get the same one. */
class StrangeAnswer extends Error {}

export type RemoteHttp = (request: SubgraphRequest, context: SubgraphContext) => Promise<ExecutionResult>;

/**
 * Sends each request once. A query whose connection is refused or breaks is sent up to twice more, as its server may
 * have been replaced. Aborting the context's signal cuts the connection, and the subgraph stops working on the request.
 */
export function createRemoteHttp({ name, url, token, log, clock, onRequest }: RemoteHttpOptions): RemoteHttp {
  const availability = new Availability(`${name} over HTTP`, { log, clock });
  // The planner caches plans, and with them the documents of their fetches.
  const textOf = oncePerKey((document: DocumentNode) => print(document));
  const headers = {
    accept: "application/json",
    "content-type": "application/json",
    ...(token === null ? {} : { authorization: bearer(token) }),
  };

  async function post(body: string, context: SubgraphContext): Promise<WireResult> {
    const signal = context.signal ?? null;
    const response = await fetch(url, { method: "POST", headers, body, redirect: "error", signal });
    const text = await readAnswer(response, context);
    if (response.status === 401)
      throw new StrangeAnswer("INTERNAL_TOKEN is refused: set the same one for all services");
    try {
      const result: unknown = JSON.parse(text);
      if (isResult(result)) return result;
    } catch {
      // The page of a proxy, or half an answer.
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
        // During an outage retries would mostly delay the error.
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
