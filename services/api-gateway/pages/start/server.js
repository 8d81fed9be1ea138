/** What the page asks of the server it came from. Errors say in words what happened. */
import { keptToken } from "./token.js";

/** Longer than the server leaves a stream without a sign of life. */
const SILENCE_MS = 30_000;

/** Nobody answers at all. */
export class Away extends Error {}
/** It wants a token, or another one. */
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
    throw new Away("The server does not answer", { cause });
  }
  if (response.status === 401) throw new Locked("The server wants a token");
  return response;
}

const operation = (query, variables, accept, signal) =>
  request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify({ query, variables }),
    signal,
  });

/** What a failed answer says: problem details, GraphQL errors, or only its status. */
async function wordsOf(response) {
  const body = await response.json().catch(() => null);
  return body?.errors?.[0]?.message ?? body?.detail ?? `The server answers ${response.status}`;
}

/** @param also a status other than success whose answer is wanted, too */
export async function getJson(path, { signal, also }) {
  const response = await request(path, { signal });
  if (!response.ok && response.status !== also) throw new Error(await wordsOf(response));
  try {
    return await response.json();
  } catch (cause) {
    throw new Error("Something else than the server answers", { cause });
  }
}

/** The data of a query: null where a part of the server is away. */
export async function query(text, { signal }) {
  const response = await operation(text, undefined, "application/graphql-response+json, application/json", signal);
  const body = await response
    .clone()
    .json()
    .catch(() => null);
  if (body?.data == null) throw new Error(await wordsOf(response));
  return body.data;
}

/** Calls `onData` for each event; ends by throwing, with the reason. */
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
    if (!response.ok || response.body === null) throw new Error(await wordsOf(response));
    let rest = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      if (done) throw new Error(leave.signal.aborted ? "The server fell silent" : "The server ended the stream");
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
