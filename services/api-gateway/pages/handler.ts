/** Pages for people, all from our own files: the start page, Swagger UI, GraphiQL. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { methodNotAllowed, problemOf } from "../../platform/http/problem.ts";
import { generatedFile, pageFile } from "../assets.ts";
import type { ApiConfig } from "../config.ts";
import { GRAPHQL_PATH } from "../edge/graphql-endpoint.ts";

interface File {
  readonly type: string;
  readonly location: URL;
  readonly csp?: string;
}

const OWN = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const START = `${OWN}; require-trusted-types-for 'script'; trusted-types 'none'`;
const SWAGGER = `${OWN}; style-src 'self' 'unsafe-inline'`;
const GRAPHIQL =
  "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; " +
  "worker-src blob:; img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  yaml: "application/yaml",
  svg: "image/svg+xml",
  png: "image/png",
};

/** Of the start page, which lie in `pages/start/`. */
const START_FILES = [
  "icon.svg",
  "colours.css",
  "start.css",
  "states.css",
  ...["commands", "hottest", "parts", "rate", "retry", "server", "start", "status", "token"].map(
    (name) => `${name}.js`,
  ),
];

const typeOf = (name: string): string => TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";

function listFiles(): ReadonlyMap<string, File> {
  const own = (name: string, csp?: string): File => ({
    type: typeOf(name),
    location: pageFile(name),
    ...(csp === undefined ? {} : { csp }),
  });
  const generated = (name: string): File => ({
    type: typeOf(name),
    location: generatedFile(name),
  });
  const swaggerUi = new URL(`file://${createRequire(import.meta.url).resolve("swagger-ui-dist/package.json")}`);
  const swagger = (name: string): [string, File] => [
    `/swagger/${name}`,
    { type: typeOf(name), location: new URL(name, swaggerUi) },
  ];
  return new Map([
    ["/", own("start.html", START)],
    ...START_FILES.map((name): [string, File] => [`/start/${name}`, own(`start/${name}`)]),
    ["/swagger/index.html", own("swagger.html", SWAGGER)],
    ["/swagger/swagger-initializer.js", own("swagger-initializer.js")],
    ...["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"].map(swagger),
    ["/openapi.json", generated("openapi.json")],
    ["/openapi.yaml", generated("openapi.yaml")],
  ]);
}

/** Nine megabytes of editor: loaded when the first browser asks, kept packed. */
async function packGraphiql(): Promise<Uint8Array> {
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const html = renderGraphiQL({
    title: "GPU telemetry",
    defaultQuery:
      "{\n  gpus(limit: 10) {\n    total\n    gpus {\n      uuid\n      hostname\n      latest { metricName value timestamp }\n    }\n  }\n}\n",
  });
  return promisify(gzip)(html);
}

export type Pages = (request: Request, url: URL) => Promise<Response | null>;

/** Without the links that lead to what is switched off. */
const withoutLinks = (html: Uint8Array): Uint8Array =>
  new TextEncoder().encode(new TextDecoder().decode(html).replace(/<a\b[^>]*href="\/graphql"[^>]*>.*?<\/a>/gs, ""));

/** Null for what it does not have. */
export function createPages({ graphiql: hasGraphiql }: Pick<ApiConfig, "graphiql">): Pages {
  const files = listFiles();
  const read = new Map<string, Promise<Uint8Array>>();
  let graphiql: Promise<Uint8Array> | undefined;
  const readOnce = (location: URL): Promise<Uint8Array> => {
    const kept =
      read.get(location.href) ??
      readFile(location).then((body) => (hasGraphiql || !location.href.endsWith(".html") ? body : withoutLinks(body)));
    read.set(location.href, kept);
    return kept;
  };

  return async (request, url) => {
    if (url.pathname === "/swagger" || url.pathname === "/swagger/") {
      return new Response(null, { status: 302, headers: { location: "/swagger/index.html" } });
    }
    const file = files.get(url.pathname);
    if (file !== undefined) {
      if (request.method !== "GET" && request.method !== "HEAD") return methodNotAllowed(request.method, "GET, HEAD");
      const body = (await readOnce(file.location)) as Uint8Array<ArrayBuffer>;
      return new Response(request.method === "HEAD" ? null : body, {
        headers: {
          "content-type": file.type,
          "content-length": String(body.byteLength),
          "cache-control": "no-cache",
          ...(file.csp === undefined ? {} : { "content-security-policy": file.csp }),
        },
      });
    }
    // With a query in the address, too: that is how GraphiQL shares one.
    const wantsPage = request.headers.get("accept")?.includes("text/html");
    if (url.pathname === GRAPHQL_PATH && request.method === "GET" && wantsPage) {
      // A query that is typed into a browser is answered, as to any other client.
      if (!hasGraphiql && url.searchParams.has("query")) return null;
      if (!hasGraphiql) return problemOf("not_found", "GraphiQL is off: GRAPHIQL=true serves it");
      graphiql ??= packGraphiql();
      return new Response((await graphiql) as Uint8Array<ArrayBuffer>, {
        headers: {
          "content-type": "text/html; charset=utf-8",
          "content-encoding": "gzip",
          "content-security-policy": GRAPHIQL,
        },
      });
    }
    return null;
  };
}
