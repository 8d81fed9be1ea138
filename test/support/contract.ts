/** Holds every answer to the OpenAPI document that the API itself serves. */
import Ajv2020 from "ajv/dist/2020";
import addFormats from "ajv-formats";

interface Media {
  readonly schema: { readonly $ref: string };
}
interface OpenApi {
  readonly paths: Record<string, { get: { responses: Record<string, { content: Record<string, Media> }> } }>;
  readonly components: { readonly schemas: Record<string, object> };
}

export interface Contract {
  readonly document: OpenApi;
  /** @throws Error when the path has no such answer, or the body is not of its shape */
  check(path: string, response: Response, body: unknown): void;
}

export async function openContract(url: string): Promise<Contract> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema(document, "openapi");
  const patterns = Object.keys(document.paths).map(
    (path) => [path, new RegExp(`^${path.replace("{uuid}", "(MIG-GPU-[^/]+/\\d+/\\d+|[^/]+)")}$`)] as const,
  );
  return {
    document,
    check(path, response, body) {
      const pathname = path.replace(/\?.*$/, "");
      const known = patterns.find(([, pattern]) => pattern.test(pathname));
      const type = response.headers.get("content-type")?.replace(/;.*/, "") ?? "";
      const described = known && document.paths[known[0]]?.get.responses[response.status];
      if (known !== undefined && described === undefined)
        throw new Error(`${path}: ${response.status} is not described`);
      // A path that does not exist is not in the document; its problem details are.
      const reference = described ? described.content[type]?.schema.$ref : "#/components/schemas/Problem";
      if (reference === undefined) throw new Error(`${path}: ${type} is not described for ${response.status}`);
      if (!ajv.validate({ $ref: `openapi${reference}` }, body)) {
        throw new Error(`${path}: ${ajv.errorsText()} in ${JSON.stringify(body).slice(0, 300)}`);
      }
    },
  };
}
