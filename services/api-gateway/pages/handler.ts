/** Serves the pages for browsers from local files: the start page, Swagger UI and GraphiQL. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { methodNotAllowed, problemOf } from "../../platform/http/problem.ts";
import { generatedFile, pageFile } from "../assets.ts";
import type { ApiConfig } from "../config.ts";
import { GRAPHQL_PATH } from "../edge/graphql-endpoint.ts";

/** A file that is served as it is. */
interface File {
  readonly type: string;
  readonly location: URL;
  /** Content security policy; set for pages. */
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

/** Files of the start page, in `pages/start/`. */
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

const DEFAULT_QUERY = `{
  gpus(limit: 10) {
    total
    gpus {
      uuid
      hostname
      latest { metricName value timestamp }
    }
  }
}
`;

/** Returns the page of the GraphiQL editor, compressed. Loads it (9 MB) only when called. */
async function packGraphiql(): Promise<Uint8Array> {
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const html = renderGraphiQL({
    title: "GPU telemetry",
    defaultQuery: DEFAULT_QUERY,
  });
  return promisify(gzip)(html);
}

/** Removes the links to GraphiQL, for a server that does not serve it. */
const withoutLinks = (html: Uint8Array): Uint8Array =>
  new TextEncoder().encode(new TextDecoder().decode(html).replace(/<a\b[^>]*href="\/graphql"[^>]*>.*?<\/a>/gs, ""));

/** Answers requests for pages and their files. Returns null for every other URL. */
export type Pages = (request: Request, url: URL) => Promise<Response | null>;

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
    // A URL with a query opens GraphiQL, too, because GraphiQL shares queries by URL.
    const wantsPage = request.headers.get("accept")?.includes("text/html");
    if (url.pathname === GRAPHQL_PATH && request.method === "GET" && wantsPage) {
      // Without GraphiQL, a query in the address bar is answered as a query of any other client.
      if (!hasGraphiql && url.searchParams.has("query")) return null;
      if (!hasGraphiql) return problemOf("not_found", "GraphiQL is disabled: set GRAPHIQL=true to serve it");
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
