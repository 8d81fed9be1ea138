/** The parts of the OpenAPI document that operations share: headers, problem details and answers other than 200. */
import { ERROR_CODES } from "../../../schema/model/errors.ts";
import { PROBLEM_MEDIA } from "../../platform/http/problem.ts";

export interface JsonSchema {
  type?: string | string[];
  format?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxItems?: number;
  default?: number;
  items?: JsonSchema;
  $ref?: string;
  enum?: string[];
}

interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

export const schemaRef = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
export const headerRefs = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const textHeader = (description: string, schema: object = {}) => ({
  description,
  schema: { type: "string", ...schema },
});

export const HEADERS: Readonly<Record<string, unknown>> = {
  ETag: textHeader("Changes exactly when the content does. Send it back as If-None-Match.", {
    pattern: '^W/".+"$',
  }),
  "Cache-Control": textHeader(
    "no-cache: the answer may be stored, and must be revalidated before each use. no-store: it must not be stored.",
  ),
  Vary: textHeader("The request headers on which the form of the answer depends."),
  Link: textHeader('CSV and NDJSON with a limit: `<?…>; rel="next"` if there is a next page.'),
  Note: textHeader(
    "Empty lists as CSV and NDJSON: the names that have never been seen, as in the field notes of JSON.",
  ),
  Allow: textHeader("The accepted methods.", { const: "GET, HEAD" }),
  "Retry-After": {
    description: "Seconds to wait before the next attempt.",
    schema: { type: "integer", minimum: 1 },
  },
  "WWW-Authenticate": textHeader("The accepted authentication scheme.", { const: "Bearer" }),
};

export const PROBLEM: JsonSchema = {
  type: "object",
  description: "RFC 9457 problem details.",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What is accepted, and the value that was sent." },
  },
  additionalProperties: false,
};

const failure = (description: string, ...headers: string[]): Answer => ({
  description,
  ...(headers.length === 0 ? {} : { headers: headerRefs(...headers) }),
  content: { [PROBLEM_MEDIA]: { schema: schemaRef("Problem") } },
});

/** Answers by status. Each `name` is a key of `components.responses`. */
const SHARED: Readonly<Record<number, readonly [name: string, answer: Answer]>> = {
  304: [
    "NotModified",
    {
      description: "If-None-Match names this answer: the client has it already",
      headers: headerRefs("ETag", "Cache-Control", "Vary"),
    },
  ],
  400: ["BadRequest", failure("A parameter is malformed, out of range, unknown or given more than once")],
  401: ["Unauthorized", failure("API_TOKEN is set, and the request does not carry it", "WWW-Authenticate")],
  404: ["NotFound", failure("No such GPU")],
  405: ["MethodNotAllowed", failure("The method is neither GET nor HEAD", "Allow")],
  406: ["NotAcceptable", failure("Accept allows none of the forms that this path has", "Vary")],
  421: ["Misdirected", failure("Host names another server")],
  429: ["TooManyRequests", failure("Too many requests, or too many lists being streamed", "Retry-After")],
  500: ["InternalError", failure(ERROR_CODES.internal.title)],
  503: ["Unavailable", failure("The store is unavailable, or the query took too long", "Retry-After")],
};

export const RESPONSES: Readonly<Record<string, Answer>> = Object.fromEntries(Object.values(SHARED));

export const answersOf = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [String(status), { $ref: `#/components/responses/${SHARED[status]?.[0] ?? ""}` }]),
  );
