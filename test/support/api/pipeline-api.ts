/** Queries of the API about queue and dead letters, with or without a token. */
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import type { Queue } from "../../../services/queue/port.ts";
import { claim, receiptsOf } from "../../conformance/queue/bench.ts";
import { type GraphqlAnswer, postGraphql } from "./graphql-answer.ts";

export async function ask(
  { url }: { url: string },
  query: string,
  { token, variables }: { token?: string; variables?: object } = {},
) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await postGraphql(`${url}/graphql`, JSON.stringify({ query, variables }), { headers });
  return { status: response.status, ...((await response.json()) as GraphqlAnswer) };
}

export async function askOverSocket(
  { url }: { url: string },
  query: string,
  authorization?: string,
): Promise<GraphqlAnswer> {
  const client = createClient({
    url: `${url.replace("http", "ws")}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...(authorization === undefined ? {} : { connectionParams: { authorization } }),
  });
  try {
    for await (const result of client.iterate({ query })) return result as GraphqlAnswer;
    return {};
  } finally {
    await client.dispose();
  }
}

/** Publishes the bodies, seven readings each, and makes the first `dead` of them dead letters. */
export async function fillQueue(queue: Queue, bodies: readonly (Uint8Array | string)[], dead: number): Promise<void> {
  const { epoch } = await queue.openProducer("csv@0/1");
  const batches = bodies.map((body, index) => ({
    seq: index + 1,
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    readings: 7,
    position: "",
  }));
  await queue.publish(batches, { producer: "csv@0/1", epoch });
  const held = await claim(queue, { max: dead });
  await queue.nack(receiptsOf(held), { kind: "reject", reason: "unknown version" });
}
