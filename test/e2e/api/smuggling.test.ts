/**
 * Request smuggling: a message whose end can be read in two ways is refused and ends its connection, a body is never
 * read as a request, and a header that is sent twice is not read as the more permissive of the two.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { serveApiOn } from "../../support/api/served-api.ts";
import { addressOf, onRuntime, startProgram } from "../../support/programs/process.ts";
import { rawExchange } from "../../support/servers/raw-exchange.ts";

setDefaultTimeout(60_000);
const TOKEN = "s3cret";
const HOST = "host: 127.0.0.1";
const BEARER = `authorization: Bearer ${TOKEN}`;
const JSON_TYPE = "content-type: application/json";

interface Target {
  readonly path: string;
  readonly body: string;
  /** A path whose answer is 200. */
  readonly marker: string;
  readonly serve: (runtime: "bun" | "deno") => Promise<AsyncDisposable & { readonly url: string }>;
}

const TARGETS: Readonly<Record<string, Target>> = {
  "api-gateway": {
    path: "/graphql",
    body: '{"query":"{ __typename }"}',
    marker: "/healthz",
    serve: (runtime) => serveApiOn(runtime, { config: { apiToken: TOKEN } }),
  },
  "queue-service": {
    path: "/v1/claims",
    body: '{"max":1,"waitMs":0}',
    marker: "/v1/stats",
    async serve(runtime) {
      const file = join(import.meta.dir, "../../support/queue/queue-program.ts");
      const program = startProgram(onRuntime(runtime, file, TOKEN));
      return { url: await addressOf(program), [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
    },
  },
};

const request = (line: string, headers: readonly string[], body = "") =>
  `${[`${line} HTTP/1.1`, ...headers].join("\r\n")}\r\n\r\n${body}`;
/** Answered with 404 if a server takes it for a request of its own. */
const HIDDEN = request("GET /hidden", [HOST, BEARER]);
const sized = (text: string, difference = 0) => `content-length: ${text.length + difference}`;
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

/** Heads and bodies whose end two servers may see in different places. */
const ambiguous = (body: string): Readonly<Record<string, readonly [framing: readonly string[], body: string]>> => {
  const te = "transfer-encoding: chunked";
  const inChunks = chunked(body);
  return {
    "Content-Length and Transfer-Encoding": [[sized(body), te], inChunks],
    "Transfer-Encoding and a smaller Content-Length": [[te, "content-length: 4"], inChunks],
    "two lengths, the smaller one first": [[sized(body), sized(body + HIDDEN)], body],
    "two lengths, the larger one first": [[sized(body + HIDDEN), sized(body)], body],
    "a list of lengths": [[`${sized(body)}, ${body.length + HIDDEN.length}`], body],
    "a length with a sign": [[`content-length: +${body.length}`], body],
    "a negative length": [["content-length: -1"], body],
    "a hexadecimal length": [[`content-length: 0x${body.length.toString(16)}`], body],
    "a length beyond 64 bits": [[`content-length: ${2n ** 64n + BigInt(body.length)}`], body],
    "two transfer codings": [[te, "transfer-encoding: identity"], inChunks],
    "a coding after chunked": [["transfer-encoding: chunked, identity"], inChunks],
    "an unknown coding": [["transfer-encoding: xchunked"], inChunks],
    "an unknown coding and a length": [["transfer-encoding: xchunked", sized(body)], body],
    "a space before the colon of Transfer-Encoding": [["transfer-encoding : chunked", sized(body)], body],
    "a space before the colon of Content-Length": [[sized(body).replace(":", " :")], body],
    "a header on two lines": [["transfer-encoding:", " chunked", sized(body)], body],
    "a header behind a bare CR": [[`x-a: a\r${te}`, sized(body)], body],
    "a header behind a bare LF": [[`x-a: a\n${te}`, sized(body)], body],
    "a NUL in a header": [["x-a: a\0b", sized(body)], body],
    "a negative chunk": [[te], `-1\r\n${body}\r\n0\r\n\r\n`],
    "a chunk beyond 64 bits": [[te], `1000000000000000${inChunks}`],
    "a chunk size with 0x": [[te], `0x${inChunks}`],
    "a chunk extension that ends with a bare LF": [[te], `${body.length.toString(16)};x\n${body}\r\n0\r\n\r\n`],
    "a chunk longer than its size": [[te], `${body.length.toString(16)}\r\n${body}xx0\r\n\r\n`],
  };
};

for (const [name, { path, body, marker, serve }] of Object.entries(TARGETS)) {
  for (const runtime of ["bun", "deno"] as const) {
    describe(`${name} on ${runtime}`, () => {
      let server: Awaited<ReturnType<Target["serve"]>>;
      beforeAll(async () => {
        server = await serve(runtime);
      });
      afterAll(() => server[Symbol.asyncDispose]());

      const post = (headers: readonly string[], content: string) => request(`POST ${path}`, headers, content);
      const MARKER = request(`GET ${marker}`, [HOST, BEARER]);
      const usual = [HOST, BEARER, JSON_TYPE];

      test("answers requests that follow each other on one connection in order, each at most once", async () => {
        const sent =
          post([...usual, sized(body)], body) + HIDDEN + post([...usual, "transfer-encoding: chunked"], chunked(body));
        const { statuses } = await rawExchange(server.url, sent + MARKER, 4);
        const expected = [200, 404, 200, 200];
        // Bun closes a connection on which a request arrives while the one before it waits for its turn.
        expect(statuses).toEqual(runtime === "bun" ? expected.slice(0, statuses.length) : expected);
      });

      for (const [what, [framing, content]] of Object.entries(ambiguous(body))) {
        test(`refuses ${what}, and reads nothing behind it`, async () => {
          const { statuses, isClosed } = await rawExchange(
            server.url,
            post([...usual, ...framing], content) + HIDDEN,
            2,
          );
          // Deno ends the connection without an answer if a chunk is malformed.
          expect([statuses.filter((status) => status !== 400), statuses.length < 2, isClosed]).toEqual([
            [],
            true,
            true,
          ]);
        });
      }

      test("does not read the body of a refused request as a request", async () => {
        const evil = "host: evil.example";
        const origin = "origin: https://evil.example";
        const refused: readonly [line: string, headers: readonly string[], status: number][] = [
          ["POST /nothing", usual, 404],
          [`POST ${path}`, [HOST, JSON_TYPE], 401],
          [`POST ${path}`, [evil, BEARER, JSON_TYPE], 421],
          [`POST ${path}`, [HOST, BEARER, JSON_TYPE, origin], 403],
          [`POST ${path}`, [HOST, BEARER, "content-type: text/plain"], 415],
          [`GET ${marker}`, usual, 200],
        ];
        for (const [line, headers, status] of refused) {
          const whole = request(line, [...headers, sized(HIDDEN)], HIDDEN);
          const inChunks = request(line, [...headers, "transfer-encoding: chunked"], chunked(HIDDEN));
          for (const sent of [whole, inChunks]) {
            const { statuses } = await rawExchange(server.url, sent + MARKER, 2);
            expect([line, statuses]).toEqual([line, [status, 200]]);
          }
        }
      });

      test("refuses a header that is sent twice, whichever value comes first", async () => {
        const twice: readonly [headers: readonly [string, string], refusals: readonly number[]][] = [
          // Deno refuses two Host headers itself.
          [
            [HOST, "host: evil.example"],
            [400, 421],
          ],
          [["authorization: Bearer other", BEARER], [401]],
          [["origin: http://127.0.0.1", "origin: https://evil.example"], [403]],
          [["sec-fetch-site: none", "sec-fetch-site: cross-site"], [403]],
        ];
        for (const [pair, refusals] of twice) {
          for (const headers of [pair, pair.toReversed()]) {
            const names = headers.map((header) => header.split(":")[0]);
            const others = usual.filter((header) => !names.includes(header.split(":")[0]));
            const sent = post([...others, ...headers, sized(body)], body);
            const { statuses } = await rawExchange(server.url, sent, 1);
            expect([headers, statuses.length, refusals.includes(statuses[0] as number)]).toEqual([headers, 1, true]);
          }
        }
      });
    });
  }
}
