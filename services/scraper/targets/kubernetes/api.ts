/** Lists and watches the EndpointSlices of a service over the REST API of Kubernetes, as a pod's service account. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { get, type OpenResponse, readText } from "../../http/get.ts";
import { type EndpointSlice, parseSlice } from "./endpoint-slices.ts";
import type { ServiceName } from "./service-name.ts";

/** Slices of one page of a list. A slice has up to 100 endpoints of about 500 bytes. */
const PAGE_SLICES = 100;
/** Bytes of a page, and of an event. */
const MAX_BYTES = 16 * 1024 * 1024;
/** 20,000 targets in slices of one endpoint each. */
const MAX_PAGES = 200;
/** How long a list, and the head of a watch, may take. */
const TIMEOUT_MS = 30_000;
/** The server ends a watch after this time, s. A watch that outlives it by `TIMEOUT_MS` has lost its connection. */
const WATCH_S = 300;

/** The server no longer has the version from which to watch: list again. HTTP 410 Gone. */
export class VersionExpired extends Error {}

const LIST = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
});
const EVENT = z.object({ type: z.string(), object: z.unknown() });
const BOOKMARK = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const STATUS = z.object({ code: z.number().optional(), message: z.string().optional() });

export interface SliceList {
  readonly slices: readonly EndpointSlice[];
  /** Where a watch continues. */
  readonly version: string;
}

export type SliceEvent =
  | { readonly kind: "set" | "deleted"; readonly slice: EndpointSlice; readonly version: string }
  | { readonly kind: "bookmark"; readonly version: string };

/** A watch whose head has arrived. Disposing it closes the connection. */
export interface Watch extends Disposable {
  /** Ends when the server ends the watch. @throws VersionExpired; errors of the connection and of the content */
  readonly events: AsyncIterable<SliceEvent>;
}

export interface ApiOptions {
  /** Address of the API server. */
  readonly url: string;
  /** Folder with `token` and `ca.crt`, read for each request, because Kubernetes replaces them. */
  readonly accountFolder: string;
}

export class EndpointSliceApi {
  readonly #options: ApiOptions;
  readonly #path: string;
  readonly #selector: string;

  constructor(options: ApiOptions, { namespace, service }: ServiceName) {
    this.#options = options;
    this.#path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    this.#selector = `kubernetes.io/service-name=${service}`;
  }

  /** @throws VersionExpired if the list changed while its pages were read; errors with the reason in words */
  async list(signal: AbortSignal): Promise<SliceList> {
    const slices: EndpointSlice[] = [];
    let token = "";
    for (let page = 0; page < MAX_PAGES; page++) {
      const list = await this.#page(token, signal);
      for (const item of list.items ?? []) slices.push(sliceOf(item));
      token = list.metadata.continue ?? "";
      if (token === "") return { slices, version: list.metadata.resourceVersion };
    }
    throw new Error(`service must have at most ${MAX_PAGES * PAGE_SLICES} EndpointSlices, got more`);
  }

  /** Resolves once the server has accepted the watch. @throws as `list` */
  async watch(version: string, signal: AbortSignal): Promise<Watch> {
    const late = new AbortController();
    const head = setTimeout(() => late.abort(), TIMEOUT_MS);
    const whole = AbortSignal.timeout(WATCH_S * 1000 + TIMEOUT_MS);
    const query = {
      watch: "1",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: String(WATCH_S),
    };
    try {
      const response = await this.#get(query, AbortSignal.any([signal, late.signal, whole]));
      return { events: eventsOf(response), [Symbol.dispose]: () => response[Symbol.dispose]() };
    } finally {
      clearTimeout(head);
    }
  }

  async #page(token: string, signal: AbortSignal) {
    const either = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const query = { limit: String(PAGE_SLICES), ...(token === "" ? {} : { continue: token }) };
    using response = await this.#get(query, either);
    const text = await readText(response, { maxBytes: MAX_BYTES, limit: "", signal: either });
    if (!text.ok) throw new Error(text.error);
    return checked(LIST, parsedJson(text.value), "a list of EndpointSlices");
  }

  async #get(query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<OpenResponse> {
    const { url, accountFolder } = this.#options;
    const token = (await readFile(join(accountFolder, "token"), "utf8")).trim();
    const parameters = new URLSearchParams({ labelSelector: this.#selector, ...query });
    const response = await get(`${url.replace(/\/$/, "")}${this.#path}?${parameters}`, {
      headers: { accept: "application/json", authorization: `Bearer ${token}` },
      tls: {
        caFile: join(accountFolder, "ca.crt"),
        certificateFile: undefined,
        keyFile: undefined,
        isInsecure: false,
      },
      signal,
    });
    if (response.status === 200) return response;
    response[Symbol.dispose]();
    if (response.status === 410) throw new VersionExpired();
    throw new Error(`answer must have status 200, got ${response.status}${HINTS[response.status] ?? ""}`);
  }
}

const HINTS: Readonly<Record<number, string>> = {
  401: ": the service account's token is not accepted",
  403: ": the service account needs a role that may get, list and watch endpointslices in this namespace",
};

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error("answer must be JSON, got other text", { cause: error });
  }
}

function checked<T>(form: z.ZodType<T>, value: unknown, accepted: string): T {
  const parsed = form.safeParse(value);
  if (!parsed.success) throw new Error(`answer must be ${accepted}, got another value`);
  return parsed.data;
}

function sliceOf(value: unknown): EndpointSlice {
  const slice = parseSlice(value);
  if (!slice.ok) throw new Error(slice.error);
  return slice.value;
}

function eventOf(line: string): SliceEvent {
  const { type, object } = checked(EVENT, parsedJson(line), "events of a watch");
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED": {
      const slice = sliceOf(object);
      const kind = type === "DELETED" ? "deleted" : "set";
      return { kind, slice, version: slice.metadata.resourceVersion ?? "" };
    }
    case "BOOKMARK":
      return { kind: "bookmark", version: checked(BOOKMARK, object, "events of a watch").metadata.resourceVersion };
    default: {
      const { code, message = type } = checked(STATUS, object, "events of a watch");
      if (code === 410) throw new VersionExpired();
      throw new Error(`watch must have events, got an error: ${message}`);
    }
  }
}

/** Events are JSON texts, one a line. */
async function* eventsOf({ message }: OpenResponse): AsyncGenerator<SliceEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n", start)) {
      const line = rest.slice(start, end).trim();
      start = end + 1;
      if (line !== "") yield eventOf(line);
    }
    rest = rest.slice(start);
    if (rest.length > MAX_BYTES) throw new Error(`event must have at most ${MAX_BYTES} bytes, got more`);
  }
}
