/** Runs a GraphQL operation over each transport, and returns the answer as text. */
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { postGraphql } from "./graphql-answer.ts";

type Ask = (url: string, query: string, variables?: Record<string, unknown>) => Promise<string>;

const JSON_ONLY = { accept: "application/json" };
const EVENTS = { accept: "text/event-stream" };

const getGraphql = async (url: string, query: string, variables: unknown, headers: Record<string, string>) => {
  const asked = new URLSearchParams({ query, variables: JSON.stringify(variables ?? {}) });
  return (await fetch(`${url}/graphql?${asked}`, { headers })).text();
};
const post = async (url: string, query: string, variables: unknown, headers: Record<string, string>) =>
  (await postGraphql(`${url}/graphql`, JSON.stringify({ query, variables }), { headers })).text();

/** For operations that end: a subscription that is accepted would never return. */
export const TRANSPORTS: Readonly<Record<string, Ask>> = {
  POST: (url, query, variables) => post(url, query, variables, JSON_ONLY),
  GET: (url, query, variables) => getGraphql(url, query, variables, JSON_ONLY),
  "SSE by POST": (url, query, variables) => post(url, query, variables, EVENTS),
  "SSE by GET": (url, query, variables) => getGraphql(url, query, variables, EVENTS),
  "multipart answers": (url, query, variables) => post(url, query, variables, { accept: "multipart/mixed" }),
  WebSocket: async (url, query, variables) => {
    const address = `${url.replace("http", "ws")}/graphql`;
    const client = createClient({ url: address, webSocketImpl: WebSocket, retryAttempts: 0 });
    try {
      const { value } = await client.iterate({ query, ...(variables === undefined ? {} : { variables }) }).next();
      return JSON.stringify(value);
    } catch (errors) {
      return JSON.stringify(errors);
    } finally {
      await client.dispose();
    }
  },
};
