/** Lists as CSV or NDJSON: one page, or all pages one after the other as fast as the client takes them. */

import { problemOf } from "../../platform/http/problem.ts";
import { emptyStream } from "../../platform/http/requests.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Gateway } from "../graph/gateway.ts";
import { createPacker } from "./compression.ts";
import { buildContract, columnsOf } from "./contract.ts";
import { answerErrors } from "./errors.ts";
import { chooseCoding } from "./negotiation.ts";
import { askRoute } from "./query.ts";
import { DATA_HEADERS, type Representation, represent } from "./representation.ts";
import type { RestRequest } from "./request.ts";
import { type Row, TABLE_FORMATS, type TableMedia } from "./rows.ts";
import { streamOf } from "./stream.ts";

/** Some milliseconds of work: others are answered between two pages. */
const PAGE_ROWS = 2500;
/** Each holds a page and what the system buffers of its connection. */
const MAX_STREAMS = 32;
const RETRY_AFTER_MS = 5000;

interface Page {
  readonly rows: readonly Row[];
  /** Where the next page begins; null: this was the last. */
  readonly next: string | null;
}

type Read = (asked: RestRequest, left: AbortSignal) => Promise<Page | Response>;

function createPageReader(gateway: Pick<Gateway, "ask">, log: Logger): Read {
  return async (asked, left) => {
    const { errors, data } = await askRoute(gateway, asked, left);
    if (errors !== undefined) return answerErrors(errors, log);
    const page = data?.[asked.route.field] as Row;
    return { rows: asked.route.table?.rows(page) ?? [], next: page.next as string | null };
  };
}

const withPage = (asked: RestRequest, page: { readonly limit: number; readonly after?: string }): RestRequest => ({
  ...asked,
  variables: { ...asked.variables, ...page },
});

/** @throws Error when a page cannot be had: what was told so far is not all */
async function* allPieces(
  asked: RestRequest,
  first: Page,
  { read, text, signal }: { read: Read; text: (rows: readonly Row[], isFirst: boolean) => string; signal: AbortSignal },
): AsyncGenerator<string> {
  yield text(first.rows, true);
  let { next } = first;
  while (next !== null) {
    const page = await read(withPage(asked, { limit: PAGE_ROWS, after: next }), signal);
    if (page instanceof Response) throw new Error(`page after ${next}: ${page.status} ${await page.text()}`);
    yield text(page.rows, false);
    next = page.next;
  }
}

/**
 * With a limit one page, and a Link to the next one when there is more. Without, a stream of everything that was there
 * at its start, each row once: it reads on when the client has taken what was read, ends with the client, and is cut,
 * never ended, when a page cannot be had.
 */
export type Export = (asked: RestRequest, media: TableMedia, request: Request) => Promise<Representation | Response>;

export function createExport(gateway: Pick<Gateway, "ask">, { log, clock }: { log: Logger; clock: Clock }): Export {
  const read = createPageReader(gateway, log);
  const contract = buildContract();
  let running = 0;

  return async (asked, media, request) => {
    const { table } = asked.route;
    const names = table === undefined ? [] : columnsOf(table, contract);
    const format = TABLE_FORMATS[media];
    const text = (rows: readonly Row[], isFirst: boolean) =>
      (isFirst ? format.head(names) : "") + format.rows(rows, names);
    const { limit } = asked.variables;

    if (limit !== undefined) {
      const page = await read(asked, request.signal);
      if (page instanceof Response) return page;
      const query = new URL(request.url).searchParams;
      if (page.next !== null) query.set("after", page.next);
      // Relative to the address asked, whatever a proxy made of it.
      const link = page.next === null ? {} : { link: `<?${query}>; rel="next"` };
      return represent(new TextEncoder().encode(text(page.rows, true)), format.type, link);
    }

    if (running >= MAX_STREAMS) {
      const detail = `${MAX_STREAMS} lists are being streamed already: try again later, or ask with a limit`;
      return problemOf("overloaded", detail, { retryAfterMs: RETRY_AFTER_MS });
    }
    running++;
    let ended = false;
    const end = () => {
      if (!ended) running--;
      ended = true;
    };
    try {
      const first = await read(withPage(asked, { limit: PAGE_ROWS }), request.signal);
      if (first instanceof Response || request.method === "HEAD") end();
      if (first instanceof Response) return first;
      const coding = chooseCoding(request.headers.get("accept-encoding"));
      const headers = {
        "content-type": format.type,
        ...DATA_HEADERS,
        ...(coding === null ? {} : { "content-encoding": coding }),
      };
      if (request.method === "HEAD") return new Response(emptyStream(), { headers });
      const stop = new AbortController();
      const pieces = allPieces(asked, first, { read, text, signal: stop.signal });
      const stream = streamOf(pieces, {
        packer: coding === null ? null : createPacker(coding),
        clock,
        onEnd: (reason) => {
          stop.abort();
          end();
          if (reason !== undefined) log.warn("list cut", { route: asked.route.path, reason });
        },
      });
      return new Response(stream, { headers });
    } catch (error) {
      end();
      throw error;
    }
  };
}
