/** Exports lists as CSV or NDJSON: one page, or a stream of all pages at the pace of the client. */

import { parseMoment } from "../../../schema/model/moment.ts";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import { problemOf } from "../../platform/http/problem.ts";
import { emptyStream } from "../../platform/http/requests.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { Shares } from "../../platform/process/shares.ts";
import type { Gateway } from "../graph/gateway.ts";
import { createPacker } from "./compression.ts";
import { buildContract, columnsOf, type RestRoute } from "./contract.ts";
import { answerErrors } from "./errors.ts";
import { chooseCoding } from "./negotiation.ts";
import { runQuery } from "./query.ts";
import { DATA_HEADERS, type Representation, represent } from "./representation.ts";
import type { RestCall } from "./request.ts";
import { type Row, TABLE_FORMATS, type TableMedia } from "./rows.ts";
import { streamOf } from "./stream.ts";

/** Rows in a page of a stream. A page takes a few milliseconds, and other requests are answered between two pages. */
const PAGE_ROWS = 2500;
const pageRows = ({ limits }: RestRoute): number => Math.min(PAGE_ROWS, limits?.max ?? PAGE_ROWS);
/** How many streams may run at once. Each holds a page and the buffers of its connection. */
const MAX_STREAMS = 32;
const RETRY_AFTER_MS = 5000;

interface Page {
  readonly rows: readonly Row[];
  /** Cursor of the next page; null on the last one. */
  readonly next: string | null;
  /** Header `Note`: why the list is empty. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Writes notes as the value of a header: in ASCII, with escapes as in JSON. */
const noteHeader = (notes: readonly string[]): Readonly<Record<string, string>> =>
  notes.length === 0
    ? {}
    : {
        note: notes
          .join(". ")
          .replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`),
      };

type ReadPage = (call: RestCall, signal: AbortSignal) => Promise<Page | Response>;

function createPageReader(gateway: Pick<Gateway, "ask">, log: Logger): ReadPage {
  return async (call, signal) => {
    const { errors, data } = await runQuery(gateway, call, signal);
    if (errors !== undefined) return answerErrors(errors, log);
    const page = data?.[call.route.field] as Row;
    const headers = noteHeader((page.notes as readonly string[] | undefined) ?? []);
    return { rows: call.route.table?.rows(page) ?? [], next: page.next as string | null, headers };
  };
}

const withPage = (call: RestCall, page: { readonly limit: number; readonly after?: string }): RestCall => ({
  ...call,
  variables: { ...call.variables, ...page },
});

/**
 * Replaces times relative to now by fixed ones, so that all pages of a list have the same window. Values that are no
 * time stay as they are: the subgraph explains them.
 */
function withFixedTimes(call: RestCall, now: number): RestCall {
  const variables: Record<string, unknown> = { ...call.variables };
  for (const name of ["start_time", "end_time"]) {
    const given = variables[name];
    const time = typeof given === "string" && given.startsWith("now") ? parseMoment(given, now) : undefined;
    if (time?.ok) variables[name] = formatTimestamp(Math.floor(time.value));
  }
  return { ...call, variables };
}

/** Yields the text of each page. @throws Error when a page cannot be read; the text yielded so far is incomplete */
async function* allPieces(
  call: RestCall,
  first: Page,
  {
    read,
    text,
    signal,
  }: { read: ReadPage; text: (rows: readonly Row[], isFirst: boolean) => string; signal: AbortSignal },
): AsyncGenerator<string> {
  yield text(first.rows, true);
  let { next } = first;
  while (next !== null) {
    const page = await read(withPage(call, { limit: pageRows(call.route), after: next }), signal);
    if (page instanceof Response) throw new Error(`page after ${next}: ${page.status} ${await page.text()}`);
    yield text(page.rows, false);
    next = page.next;
  }
}

/**
 * - With `limit`: returns one page, and a Link header if there is a next page.
 * - Without `limit`: streams all rows that existed when the stream started, each once. A page is read from the store
 *   when the client has read the previous one. If a page cannot be read, the connection is cut, so that no client takes
 *   a partial list for the whole one.
 */
export type Export = (call: RestCall, media: TableMedia, request: Request) => Promise<Representation | Response>;

export interface ExportParts {
  readonly log: Logger;
  readonly clock: Clock;
  readonly clientOf: (request: Request) => string;
}

export function createExport(gateway: Pick<Gateway, "ask">, { log, clock, clientOf }: ExportParts): Export {
  const read = createPageReader(gateway, log);
  const contract = buildContract();
  const streams = new Shares({ places: MAX_STREAMS, noun: "streams of lists" });

  return async (asked, media, request) => {
    const call = withFixedTimes(asked, clock.now());
    const { table } = call.route;
    const names = table === undefined ? [] : columnsOf(table, contract);
    const format = TABLE_FORMATS[media];
    const text = (rows: readonly Row[], isFirst: boolean) =>
      (isFirst ? format.head(names) : "") + format.rows(rows, names);
    const { limit } = call.variables;

    if (limit !== undefined) {
      const page = await read(call, request.signal);
      if (page instanceof Response) return page;
      const query = new URL(request.url).searchParams;
      if (page.next !== null) query.set("after", page.next);
      for (const name of ["start_time", "end_time"]) {
        if (query.has(name)) query.set(name, String(call.variables[name]));
      }
      // The link is relative, because a proxy may serve this path under another address.
      const link = page.next === null ? {} : { link: `<?${query}>; rel="next"` };
      return represent(new TextEncoder().encode(text(page.rows, true)), format.type, { ...link, ...page.headers });
    }

    const client = clientOf(request);
    const end = streams.take(client);
    if (end === null) {
      const detail = `${streams.refusalOf(client)}, or set limit`;
      return problemOf("overloaded", detail, { retryAfterMs: RETRY_AFTER_MS });
    }
    try {
      const first = await read(withPage(call, { limit: pageRows(call.route) }), request.signal);
      if (first instanceof Response || request.method === "HEAD") end();
      if (first instanceof Response) return first;
      const coding = chooseCoding(request.headers.get("accept-encoding"));
      const headers = {
        "content-type": format.type,
        ...DATA_HEADERS,
        ...first.headers,
        ...(coding === null ? {} : { "content-encoding": coding }),
      };
      if (request.method === "HEAD") return new Response(emptyStream(), { headers });
      const stop = new AbortController();
      const pieces = allPieces(call, first, { read, text, signal: stop.signal });
      const stream = streamOf(pieces, {
        packer: coding === null ? null : createPacker(coding),
        clock,
        onEnd: (reason) => {
          stop.abort();
          end();
          if (reason !== undefined) log.warn("export cut", { route: call.route.path, reason });
        },
      });
      return new Response(stream, { headers });
    } catch (error) {
      end();
      throw error;
    }
  };
}
