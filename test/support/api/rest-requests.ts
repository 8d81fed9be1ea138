/** Generates REST requests from an OpenAPI document: valid ones, invalid ones, and those at the limits. */
import fc from "fast-check";
import type { OpenApi, Parameter } from "./contract.ts";

/** Whether the document accepts a request. `either`: that depends on rules which it cannot express. */
export type Verdict = "valid" | "invalid" | "either";

/** A part of a URL, with its escapes. */
interface Written {
  readonly text: string;
  readonly verdict: Verdict;
}

export interface RestRequest {
  readonly method: string;
  /** The path as in the document; null when it is not there. */
  readonly template: string | null;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** On path and query together. */
  readonly verdict: Verdict;
}

/** Values that the stored fleet knows, by parameter. */
export type Known = Readonly<Record<string, readonly string[]>>;

const escaped = (text: string): string => encodeURIComponent(text.toWellFormed());
const everyByte = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const escaping = fc.constantFrom(escaped, everyByte);

const as =
  (verdict: Verdict) =>
  (text: string): Written => ({ text, verdict });
const written = (texts: fc.Arbitrary<string>, verdict: Verdict): fc.Arbitrary<Written> =>
  fc.tuple(texts, escaping).map(([text, write]) => as(verdict)(write(text)));
/** Texts that are not escaped, as a careless client sends them. */
const raw = (verdict: Verdict, ...texts: string[]): fc.Arbitrary<Written> => fc.constantFrom(...texts).map(as(verdict));

const anyText = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40, unit: "binary" }),
  fc.constantFrom("'; DROP TABLE gpus; --", "\0", "$where", "%", "../..", "🙂", "a".repeat(2000), "__proto__", "null"),
);

function integers({ minimum = 0, maximum = 1000 }: { minimum?: number; maximum?: number }): fc.Arbitrary<Written> {
  const inside = fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum));
  const outside = fc.constantFrom(minimum - 1, maximum + 1, -1, 2 ** 31, 2 ** 53, 1e21);
  return fc.oneof(
    { weight: 14, arbitrary: written(inside.map(String), "valid") },
    { weight: 1, arbitrary: written(outside.map(String), "invalid") },
    {
      weight: 1,
      arbitrary: raw("invalid", "", "1.5", "1e2", "0x10", "abc", "%20", "+5", "%D9%A3", "NaN", "1,2", "%ff"),
    },
  );
}

const zones = fc.constantFrom("Z", "z", "+02:00", "-11:30", "+00:00");
const times = fc.oneof(
  fc.date({ min: new Date("2025-07-20T11:00:00Z"), max: new Date("2025-07-20T14:00:00Z"), noInvalidDate: true }),
  fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true }),
);
const moments: fc.Arbitrary<Written> = fc.oneof(
  {
    weight: 14,
    arbitrary: written(
      fc.tuple(times, zones).map(([time, zone]) => time.toISOString().replace("Z", zone)),
      "valid",
    ),
  },
  { weight: 1, arbitrary: raw("valid", "1752999600", "1752999600.5", "now", "now-1h", "now-1d12h") },
  {
    weight: 1,
    arbitrary: raw(
      "invalid",
      "",
      "yesterday",
      "2025-02-30T00:00:00Z",
      "2025-07-20",
      "1752999600000",
      "now%2B1h",
      "2025-07-20T10:00:00",
      "%00",
    ),
  },
);

/** Cursors: from an earlier answer, well-formed with random content, and random text. */
function cursors(known: readonly string[]): fc.Arbitrary<Written> {
  const parts = fc.array(fc.oneof(fc.double(), fc.string(), fc.constant(null), fc.constantFrom("2025", 1e308, -1)), {
    maxLength: 4,
  });
  const made = parts.map((values) => Buffer.from(JSON.stringify(values)).toString("base64url"));
  return fc.oneof(
    ...(known.length === 0 ? [] : [{ weight: 7, arbitrary: written(fc.constantFrom(...known), "valid") }]),
    { weight: 2, arbitrary: written(made, "either") },
    { weight: 1, arbitrary: written(anyText, "either") },
    { weight: 1, arbitrary: raw("invalid", "", "%") },
  );
}

function valuesOf({ name, schema }: Parameter, known: Known): fc.Arbitrary<readonly Written[]> {
  const once = (values: fc.Arbitrary<Written>) => values.map((value): readonly Written[] => [value]);
  const mine = known[name] ?? [];
  if (name === "after") return once(cursors(mine));
  if (schema.type === "integer") return once(integers(schema));
  if (name === "start_time" || name === "end_time") return once(moments);
  // The document cannot say which durations, metrics and uuids there are.
  const verdict = ["seen_within", "metric", "uuid"].includes(name) ? "either" : "valid";
  const texts = fc.oneof(
    ...(mine.length > 0 ? [written(fc.constantFrom(...mine), "valid")] : []),
    written(anyText, verdict),
    raw(verdict, "%ff%fe", "%zz", "%", "%E0%A4%A", "a+b", "a;b"),
  );
  const empty = raw("invalid", "");
  if (schema.type !== "array") return once(fc.oneof({ weight: 14, arbitrary: texts }, { weight: 1, arbitrary: empty }));
  const tooMany = Array<Written>(Number(schema.maxItems) + 1).fill(as("invalid")("a"));
  return fc.oneof(
    { weight: 28, arbitrary: fc.array(texts, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.tuple(texts, empty) },
    { weight: 1, arbitrary: fc.constant(tooMany) },
  );
}

function paths(template: string, known: Known): fc.Arbitrary<Written> {
  const segment = fc.oneof(
    { weight: 14, arbitrary: written(fc.constantFrom(...(known.uuid ?? [])), "valid") },
    {
      weight: 1,
      arbitrary: written(
        fc.uuid().map((uuid) => `GPU-${uuid}`),
        "valid",
      ),
    },
    {
      weight: 1,
      arbitrary: written(
        fc.uuid().map((uuid) => `MIG-GPU-${uuid}/1/0`),
        "valid",
      ),
    },
    {
      weight: 1,
      // `fetch` resolves the segments `.` and `..`, so they never reach the server.
      arbitrary: written(
        anyText.filter((text) => !/^\.{1,2}$/.test(text)),
        "invalid",
      ),
    },
    { weight: 1, arbitrary: raw("invalid", "%", "%ff", "%zz", "GPU-1", "gpu%2D1", "%00", "a;b=c") },
  );
  if (!template.includes("{uuid}")) return fc.constant(as("valid")(template));
  return segment.map(({ text, verdict }) => as(verdict)(template.replace("{uuid}", () => text)));
}

type Pair = readonly [name: string, value: Written];
const together = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.includes("invalid") ? "invalid" : verdicts.includes("either") ? "either" : "valid";

function queries(parameters: readonly Parameter[], known: Known): fc.Arbitrary<Written> {
  const pairs = parameters.map((parameter) =>
    fc.option(
      valuesOf(parameter, known).map((values): Pair[] => values.map((value) => [parameter.name, value])),
      { nil: [], freq: 2 },
    ),
  );
  const unknown = fc
    .tuple(
      fc.constantFrom("Limit", "q", "uuid", "metric[]", "__proto__", "%00", "limit%20"),
      written(anyText, "invalid"),
    )
    .map(([name, value]): Pair[] => [[name, value]]);
  const none = fc.constant<Pair[]>([]);
  const strange = fc.oneof({ weight: 20, arbitrary: none }, { weight: 1, arbitrary: unknown });
  const isTwice = fc.integer({ min: 0, max: 19 }).map((number) => number === 0);
  return fc.tuple(fc.tuple(...pairs), strange, isTwice).map(([own, others, twice]) => {
    const given = [...own.flat(), ...others];
    const single = given.find(([name]) => parameters.some((one) => one.name === name && one.schema.type !== "array"));
    const doubled = twice && single !== undefined;
    const all = doubled ? [...given, single] : given;
    const isWindow = ["start_time", "end_time"].every((bound) => given.some(([name]) => name === bound));
    return {
      text: all.length === 0 ? "" : `?${all.map(([name, { text }]) => `${name}=${text}`).join("&")}`,
      verdict: together([
        ...given.map(([, { verdict }]) => verdict),
        doubled ? "invalid" : "valid",
        isWindow ? "either" : "valid",
      ]),
    };
  });
}

const method = fc.oneof(
  { weight: 10, arbitrary: fc.constant("GET") },
  { weight: 2, arbitrary: fc.constant("HEAD") },
  { weight: 1, arbitrary: fc.constantFrom("POST", "PUT", "PATCH", "DELETE", "OPTIONS") },
);
const accept = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      "*/*",
      "application/json",
      "text/csv",
      "application/x-ndjson",
      "text/*;q=0.3, application/x-ndjson;q=0.2",
      "application/json;q=0, */*",
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("text/html", "application/problem+json", "nonsense;;q=,", "text/csv;q=1.1") },
);
const tags = fc.constantFrom("*", "*", '"a", *', 'W/"a"', '"a", W/"b"', "a", ",", '"');
const codings = fc.constantFrom("gzip", "zstd", "identity", "br;q=1, *;q=0", "gzip;q=nonsense");

const headers = fc.record(
  { accept, "if-none-match": tags, "accept-encoding": codings },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;

/** @param known at least one `uuid`, and a cursor for each `after` */
export function restRequests({ paths: described }: OpenApi, known: Known): fc.Arbitrary<RestRequest> {
  const ofDocument = Object.entries(described).map(([template, { get }]) => {
    const parameters = (get.parameters ?? []).filter((parameter) => parameter.in === "query");
    return fc
      .tuple(paths(template, known), queries(parameters, { ...known, after: known[`after ${template}`] ?? [] }))
      .map(([path, query]) => ({
        template,
        path: path.text + query.text,
        verdict: together([path.verdict, query.verdict]),
      }));
  });
  const nowhere = fc
    .constantFrom(
      "/api/v1",
      "/api/v1/",
      "/api/v1/gpus/",
      "/api/v1/webhook",
      "/api/v2/gpus",
      "/api/v1/gpus/a/b",
      "/api/v1//gpus",
    )
    .map((path) => ({ template: null, path, verdict: "either" as const }));
  const target = fc.oneof(...ofDocument.map((arbitrary) => ({ arbitrary, weight: 5 })), {
    arbitrary: nowhere,
    weight: 1,
  });
  return fc.record({ target, method, headers }).map(({ target: asked, ...rest }) => ({ ...asked, ...rest }));
}
