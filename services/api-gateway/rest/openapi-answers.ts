/** What every operation of the OpenAPI document may also answer, and the headers of answers. */
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
  ETag: textHeader("Of the content, so it changes exactly when that does: send it back as If-None-Match.", {
    pattern: '^W/".+"$',
  }),
  "Cache-Control": textHeader(
    "no-cache: it may be kept, and is asked for again before it is used. no-store: it may not.",
  ),
  Vary: textHeader("Which headers of the request decide the form."),
  Link: textHeader('Of CSV and NDJSON with a limit: `<?…>; rel="next"` when there is more.'),
  Allow: textHeader("The methods that are possible.", { const: "GET, HEAD" }),
  "Retry-After": {
    description: "Seconds after which to try again.",
    schema: { type: "integer", minimum: 1 },
  },
  "WWW-Authenticate": textHeader("How to say who asks.", { const: "Bearer" }),
};

export const PROBLEM: JsonSchema = {
  type: "object",
  description: "RFC 9457 problem details.",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What was wrong, the value, and what is accepted." },
  },
  additionalProperties: false,
};

const failure = (description: string, ...headers: string[]): Answer => ({
  description,
  ...(headers.length === 0 ? {} : { headers: headerRefs(...headers) }),
  content: { [PROBLEM_MEDIA]: { schema: schemaRef("Problem") } },
});

/** By status, as they stand in `components.responses` under these names. */
const SHARED: Readonly<Record<number, readonly [name: string, answer: Answer]>> = {
  304: [
    "NotModified",
    {
      description: "If-None-Match names it: the client has it already",
      headers: headerRefs("ETag", "Cache-Control", "Vary"),
    },
  ],
  400: ["BadRequest", failure("A parameter is malformed, out of range, unknown or given twice")],
  401: ["Unauthorized", failure("A token is set, and the request does not carry it", "WWW-Authenticate")],
  404: ["NotFound", failure("No such GPU")],
  405: ["MethodNotAllowed", failure("Only GET and HEAD are possible", "Allow")],
  406: ["NotAcceptable", failure("Accept leaves none of the forms there are", "Vary")],
  421: ["Misdirected", failure("The Host that is asked is no name of this server")],
  429: ["TooManyRequests", failure("Too many requests, or lists that are streamed", "Retry-After")],
  500: ["InternalError", failure(ERROR_CODES.internal.title)],
  503: ["Unavailable", failure("The store is away or the query took too long", "Retry-After")],
};

export const RESPONSES: Readonly<Record<string, Answer>> = Object.fromEntries(Object.values(SHARED));

export const answersOf = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [String(status), { $ref: `#/components/responses/${SHARED[status]?.[0] ?? ""}` }]),
  );
