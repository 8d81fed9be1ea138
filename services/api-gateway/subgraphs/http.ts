/** Queries and mutations of a subgraph in another process: GraphQL over HTTP, JSON both ways. */
import type { ExecutionResult } from "@graphql-tools/utils";
import { type DocumentNode, type GraphQLFormattedError, print } from "graphql";
import { isAppError, messageOf } from "../../../schema/model/errors.ts";
import { exposeError, type SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { bearer } from "../../platform/http/bearer.ts";
import { backoffMs, systemClock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { oncePerKey } from "../../platform/process/once-per-key.ts";
import { readAnswer } from "./answer-budget.ts";
import { Presence } from "./presence.ts";
import { receiveErrors, type SubgraphRequest, subgraphAway } from "./subgraph.ts";

export interface RemoteHttpOptions {
  readonly name: string;
  readonly url: string;
  /** INTERNAL_TOKEN; null: none is sent. */
  readonly token: string | null;
  readonly log: Logger;
  /** Told of every question: how long it took, and whether an answer came. */
  readonly onAsked: (seconds: number, answered: boolean) => void;
}

interface WireResult {
  readonly data?: ExecutionResult["data"];
  readonly errors?: readonly GraphQLFormattedError[];
}

const isResult = (value: unknown): value is WireResult =>
  typeof value === "object" && value !== null && ("data" in value || "errors" in value);

/** Of a query whose connection breaks. */
const ATTEMPTS = 3;

/** It answered, and asking again would change nothing. */
class StrangeAnswer extends Error {}

export type RemoteHttp = (request: SubgraphRequest, context: SubgraphContext) => Promise<ExecutionResult>;

/**
 * Asks once; a query whose connection was refused or broke up to twice more, as its server may have been replaced. Aborting the context's
 * signal cuts the connection, and the subgraph stops working on it.
 */
export function createRemoteHttp({ name, url, token, log, onAsked }: RemoteHttpOptions): RemoteHttp {
  const presence = new Presence(log);
  // Plans are kept, and with them the documents of their fetches.
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
    if (response.status === 401) throw new StrangeAnswer("it does not accept our INTERNAL_TOKEN");
    try {
      const result: unknown = JSON.parse(text);
      if (isResult(result)) return result;
    } catch {
      // Said below: a page of a proxy, or half an answer.
    }
    throw new StrangeAnswer(`${response.status} ${response.statusText} is no GraphQL answer`);
  }

  async function ask(body: string, { isQuery, context }: { isQuery: boolean; context: SubgraphContext }) {
    const { signal } = context;
    for (let attempt = 0; ; attempt++) {
      try {
        return await post(body, context);
      } catch (error) {
        const isBroken = !isAppError(error) && !(error instanceof StrangeAnswer);
        // Known to be away, it is asked once: nobody waits for what nearly always comes to nothing.
        const attempts = isQuery && isBroken && !presence.isAway ? ATTEMPTS : 1;
        if (attempt + 1 >= attempts || signal?.aborted) throw error;
        await systemClock.sleep(backoffMs(attempt), { signal });
      }
    }
  }

  return async ({ document, variables, operationName, operationType = "query" }, context) => {
    const startedAt = performance.now();
    const asked = (answered: boolean) => onAsked((performance.now() - startedAt) / 1000, answered);
    const body = JSON.stringify({ query: textOf(document), variables, operationName });
    try {
      const { data, errors } = await ask(body, { isQuery: operationType === "query", context });
      presence.back();
      asked(true);
      if (errors === undefined) return { data };
      return { ...(data === undefined ? {} : { data }), errors: receiveErrors(errors, { subgraph: name, log }) };
    } catch (error) {
      if (isAppError(error)) {
        asked(true);
        return { errors: [exposeError(error, log)] };
      }
      if (!context.signal?.aborted) presence.away(messageOf(error));
      asked(false);
      return subgraphAway(name);
    }
  };
}
