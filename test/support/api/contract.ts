/** Checks answers against the OpenAPI document that the API serves. */
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020";
import addFormats from "ajv-formats";
import { parse } from "csv-parse/sync";

interface Header {
  readonly schema: object;
}
interface Answer {
  readonly headers?: Readonly<Record<string, Header | Reference>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}
interface Reference {
  readonly $ref: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get: {
          readonly parameters?: readonly Parameter[];
          readonly responses: Readonly<Record<string, Answer | Reference>>;
        };
      }
    >
  >;
}

export interface Contract {
  readonly document: OpenApi;
  /**
   * Returns the body, parsed by its type; null when there is none.
   * @param text null for the answer to a HEAD request
   * @throws Error when the document does not describe the status, a header or the body
   */
  check(path: string, response: Response, text: string | null): ReturnType<typeof JSON.parse>;
}

const pointer = (...parts: string[]): string =>
  parts.map((part) => `/${encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

/** Headers that an answer may lack. */
const OPTIONAL_HEADERS = new Set(["Link", "Note", "ETag"]);

export async function openContract(url: string): Promise<Contract> {
  return createContract(await (await fetch(`${url}/openapi.json`)).json());
}

export function createContract(document: OpenApi): Contract {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema(document, "openapi");
  const resolve = <T extends object>(place: string, value: T | Reference | undefined): [string, T | undefined] => {
    if (value === undefined || !("$ref" in value)) return [place, value];
    const parts = value.$ref.split("/").slice(1);
    return [value.$ref, parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], document) as T];
  };
  const compiled = new Map<string, ValidateFunction>();
  /** Returns why the value does not match the schema at `place`; null when it does. */
  const whyNot = (place: string, value: unknown): string | null => {
    const validate = compiled.get(place) ?? ajv.compile({ $ref: `openapi${place}/schema` });
    compiled.set(place, validate);
    return validate(value) ? null : ajv.errorsText(validate.errors);
  };
  const patterns = Object.keys(document.paths).map(
    (path) => [path, new RegExp(`^${path.replace("{uuid}", "(MIG-GPU-[^/]+/\\d+/\\d+|[^/]+)")}$`)] as const,
  );

  return {
    document,
    check(path, response, text) {
      const { status, headers } = response;
      const fail = (what: string): never => {
        throw new Error(`${path} was answered with ${status} ${text?.slice(0, 300)}: ${what}`);
      };
      const type = headers.get("content-type")?.replace(/;.*/, "") ?? "";
      const known = patterns.find(([, pattern]) => pattern.test(path.replace(/\?.*$/, "")))?.[0];
      if (known === undefined) {
        // The document does not describe unknown paths. Their answer must be 404 with problem details.
        if (type !== "application/problem+json" || status !== 404) fail("the path is not in the document");
        return text === null ? null : JSON.parse(text);
      }
      const described = document.paths[known]?.get.responses[status];
      const [place, answer] = resolve<Answer>(
        `#${pointer("paths", known, "get", "responses", String(status))}`,
        described,
      );
      if (answer === undefined) return fail("the status is not in the document");
      for (const [name, header] of Object.entries(answer.headers ?? {})) {
        const value = headers.get(name);
        if (value === null) {
          if (!OPTIONAL_HEADERS.has(name)) fail(`${name} is missing`);
          continue;
        }
        const [at, { schema } = { schema: {} }] = resolve<Header>(`${place}${pointer("headers", name)}`, header);
        const isNumber = "type" in schema && schema.type === "integer";
        const why = whyNot(at, isNumber ? Number(value) : value);
        if (why !== null) fail(`${name} is ${value}: ${why}`);
      }
      if (answer.content === undefined) return text ? fail("the body must be empty") : null;
      if (answer.content[type] === undefined) return fail(`${type} is not in the document`);
      if (text === null) return null;
      const body = readBody(type, text);
      for (const value of type === "application/x-ndjson" ? (body as unknown[]) : [body]) {
        const why = whyNot(`${place}${pointer("content", type)}`, value);
        if (why !== null) fail(why);
      }
      return body;
    },
  };
}

function readBody(type: string, text: string): unknown {
  if (type === "application/x-ndjson")
    return text === ""
      ? []
      : text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line));
  if (type !== "text/csv") return JSON.parse(text);
  // Fails unless all lines have the same number of fields.
  parse(text);
  return text;
}
