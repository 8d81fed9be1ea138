/** Holds every answer to the OpenAPI document that the API itself serves. */
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
   * The body, read as its type says; null: there is none.
   * @param text null: of a HEAD request, whose body is left out
   * @throws Error when the path has no such answer, or a header or the body is not of its form
   */
  check(path: string, response: Response, text: string | null): ReturnType<typeof JSON.parse>;
}

const pointer = (...parts: string[]): string =>
  parts.map((part) => `/${encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

/** Sent only when there is cause for it. */
const OPTIONAL_HEADERS = new Set(["Link", "ETag"]);

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
  /** Why the value is not as the schema at this place says; null: it is. */
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
        throw new Error(`${path} is answered with ${status} ${text?.slice(0, 300)}: ${what}`);
      };
      const type = headers.get("content-type")?.replace(/;.*/, "") ?? "";
      const known = patterns.find(([, pattern]) => pattern.test(path.replace(/\?.*$/, "")))?.[0];
      if (known === undefined) {
        // A path that does not exist is not in the document; its problem details are.
        if (type !== "application/problem+json" || status !== 404) fail("the path is not described");
        return text === null ? null : JSON.parse(text);
      }
      const described = document.paths[known]?.get.responses[status];
      const [place, answer] = resolve<Answer>(
        `#${pointer("paths", known, "get", "responses", String(status))}`,
        described,
      );
      if (answer === undefined) return fail("the status is not described");
      for (const [name, header] of Object.entries(answer.headers ?? {})) {
        const value = headers.get(name);
        if (value === null) {
          if (!OPTIONAL_HEADERS.has(name)) fail(`there is no ${name}`);
          continue;
        }
        const [at, { schema } = { schema: {} }] = resolve<Header>(`${place}${pointer("headers", name)}`, header);
        const isNumber = "type" in schema && schema.type === "integer";
        const why = whyNot(at, isNumber ? Number(value) : value);
        if (why !== null) fail(`${name} is ${value}: ${why}`);
      }
      if (answer.content === undefined) return text ? fail("there is a body") : null;
      if (answer.content[type] === undefined) return fail(`${type} is not described`);
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
  // Every line has as many fields as the first.
  parse(text);
  return text;
}
