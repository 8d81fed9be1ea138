/** Requests to the server of the page. The messages of errors are shown to the user. */
import { keptToken } from "./token.js";

/** A stream that is silent for this long is given up. The server sends a ping more often than that. */
const SILENCE_MS = 30_000;

/** The server cannot be reached. */
export class Offline extends Error {}
/** The server requires a token, or another one. */
export class Locked extends Error {}

async function request(path, { headers, ...init }) {
  const token = keptToken();
  let response;
  try {
    response = await fetch(path, {
      ...init,
      cache: "no-store",
      headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    });
  } catch (cause) {
    throw new Offline("The server does not answer", { cause });
  }
  if (response.status === 401) throw new Locked("The server requires a token");
  return response;
}

const operation = (query, variables, accept, signal) =>
  request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify({ query, variables }),
    signal,
  });

/** Returns the message of a failed answer: from GraphQL errors, problem details, or else its status. */
async function messageOf(response) {
  const body = await response.json().catch(() => null);
  return body?.errors?.[0]?.message ?? body?.detail ?? `The server answered ${response.status}`;
}

/** @param also a status that is accepted besides 2xx */
export async function getJson(path, { signal, also }) {
  const response = await request(path, { signal });
  if (!response.ok && response.status !== also) throw new Error(await messageOf(response));
  try {
    return await response.json();
  } catch (cause) {
    throw new Error("The answer did not come from the server", { cause });
  }
}

/** Returns the data of a query. Fields of a subgraph that is unavailable are null. */
export async function query(text, { signal }) {
  const response = await operation(text, undefined, "application/graphql-response+json, application/json", signal);
  const body = await response
    .clone()
    .json()
    .catch(() => null);
  if (body?.data == null) throw new Error(await messageOf(response));
  return body.data;
}

/** Calls `onData` with the data of each event. Never returns: it throws when the stream ends, with the reason. */
export async function subscribe(text, { variables, signal, onData }) {
  const leave = new AbortController();
  const stop = AbortSignal.any([signal, leave.signal]);
  let silence;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => leave.abort(), SILENCE_MS);
  };
  listen();
  try {
    const response = await operation(text, variables, "text/event-stream", stop);
    if (!response.ok || response.body === null) throw new Error(await messageOf(response));
    let rest = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      if (done)
        throw new Error(
          leave.signal.aborted ? "The server sent nothing for 30 seconds" : "The server ended the stream",
        );
      listen();
      const events = `${rest}${value}`.split(/\r?\n\r?\n/);
      rest = events.pop();
      for (const event of events) {
        const line = /^data: ?(\{.*)$/m.exec(event)?.[1];
        if (line === undefined) continue;
        const { data, errors } = JSON.parse(line);
        if (errors !== undefined) throw new Error(errors[0].message);
        onData(data);
      }
    }
  } finally {
    clearTimeout(silence);
    leave.abort();
  }
}
