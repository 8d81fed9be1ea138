/**
 * A fake Kubernetes API server for real helm and kubectl. It stores objects, reports that workloads run and lists their
 * pods. It validates, schedules and runs nothing.
 */
import type { Server } from "bun";
import { YAML } from "bun";
import { type KubeObject, Objects } from "./objects.ts";
import { patched } from "./patches.ts";
import { decodeProtobuf } from "./protobuf.ts";
import { type ApiPath, describe, discover, groupVersionOf, parseApiPath } from "./resources.ts";
import { tableOf } from "./tables.ts";
import { selects, watchStream } from "./watches.ts";
import { createWorkloads, type Workloads } from "./workloads.ts";

export interface FakeApiServer extends AsyncDisposable {
  readonly url: string;
  readonly objects: Objects;
  readonly workloads: Workloads;
  /** `METHOD path` of all requests, in order. */
  readonly requests: readonly string[];
}

const failure = (code: number, reason: string, message: string) =>
  Response.json({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message }, { status: code });

async function bodyOf(request: Request): Promise<KubeObject> {
  if (request.headers.get("content-type") === "application/vnd.kubernetes.protobuf") {
    return decodeProtobuf(await request.bytes());
  }
  return YAML.parse(await request.text()) as KubeObject;
}

const wantsTable = (request: Request) => request.headers.get("accept")?.includes("as=Table") ?? false;
const includeOf = (request: Request) => new URL(request.url).searchParams.get("includeObject");

class Api {
  readonly objects = new Objects();
  readonly workloads = createWorkloads(this.objects);

  constructor() {
    const node = { name: "gpu-telemetry-cluster-control-plane", labels: { "kubernetes.io/arch": "amd64" } };
    const status = { nodeInfo: { architecture: "amd64" }, conditions: [{ type: "Ready", status: "True" }] };
    this.objects.put({ apiVersion: "v1", kind: "Node", metadata: node, spec: {}, status });
    this.#put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  }

  async answer(request: Request, { pathname, searchParams }: URL): Promise<Response> {
    if (pathname === "/version") return Response.json({ major: "1", minor: "34", gitVersion: "v1.34.0-fake" });
    if (/^\/(readyz|livez|healthz)$/.test(pathname)) return new Response("ok");
    const discovered = discover(pathname) ?? describe(pathname);
    if (discovered !== null) return Response.json(discovered);
    const path = parseApiPath(pathname);
    if (path === null) return failure(404, "NotFound", `the fake API server has no path ${pathname}`);
    if (path.part === "log") return new Response(`${path.name}: a line of its log\n`);
    if (path.resource.kind === "SelfSubjectAccessReview") {
      const { resource } = path;
      const review = { apiVersion: groupVersionOf(resource), kind: resource.kind, metadata: {}, spec: {} };
      return Response.json({ ...review, status: { allowed: true } }, { status: 201 });
    }
    switch (request.method) {
      case "GET":
        return path.name === null ? this.#list(request, path, searchParams) : this.#read(request, path);
      case "POST":
        return this.#create(path, await bodyOf(request));
      case "PUT":
        return Response.json(this.#put(this.#placed(path, await bodyOf(request))));
      case "PATCH":
        return this.#patch(request, path);
      case "DELETE":
        return this.#delete(path, searchParams);
      default:
        return failure(405, "MethodNotAllowed", request.method);
    }
  }

  #placed({ namespace, name }: ApiPath, object: KubeObject): KubeObject {
    const metadata = { ...object.metadata, name: name ?? object.metadata.name };
    return { ...object, metadata: namespace === null ? metadata : { ...metadata, namespace } };
  }

  #put(object: KubeObject): KubeObject {
    return this.workloads.settle(this.objects.put(object));
  }

  #missing({ resource, name }: ApiPath): Response {
    return failure(404, "NotFound", `${resource.name} "${name}" not found`);
  }

  #read(request: Request, path: ApiPath): Response {
    const object = this.objects.get(path.resource, path.namespace, path.name!);
    if (object === undefined) return this.#missing(path);
    return Response.json(wantsTable(request) ? this.#table(request, object.kind, [object]) : object);
  }

  #table(request: Request, kind: string, objects: readonly KubeObject[]): object {
    return tableOf(kind, objects, { version: this.objects.version, include: includeOf(request) });
  }

  #list(request: Request, path: ApiPath, query: URLSearchParams): Response {
    if (query.get("watch") === "true") return new Response(watchStream(this.objects, path, query));
    const { resource, namespace } = path;
    const items = this.objects.list(resource, namespace).filter(selects(path, query));
    if (wantsTable(request)) return Response.json(this.#table(request, resource.kind, items));
    return Response.json({
      kind: `${resource.kind}List`,
      apiVersion: groupVersionOf(resource),
      metadata: { resourceVersion: this.objects.version },
      items,
    });
  }

  #create(path: ApiPath, body: KubeObject): Response {
    const object = this.#placed(path, body);
    if (this.objects.get(path.resource, path.namespace, object.metadata.name) !== undefined) {
      return failure(409, "AlreadyExists", `${path.resource.name} "${object.metadata.name}" already exists`);
    }
    if (path.namespace !== null && !this.#hasNamespace(path.namespace)) {
      return failure(404, "NotFound", `namespaces "${path.namespace}" not found`);
    }
    return Response.json(this.#put(object), { status: 201 });
  }

  #hasNamespace(name: string): boolean {
    return this.objects.all().some(({ kind, metadata }) => kind === "Namespace" && metadata.name === name);
  }

  async #patch(request: Request, path: ApiPath): Promise<Response> {
    const before = this.objects.get(path.resource, path.namespace, path.name!);
    const contentType = request.headers.get("content-type") ?? "";
    if (before === undefined && contentType !== "application/apply-patch+yaml") return this.#missing(path);
    if (path.namespace !== null && !this.#hasNamespace(path.namespace)) {
      return failure(404, "NotFound", `namespaces "${path.namespace}" not found`);
    }
    const after = patched(before, contentType, YAML.parse(await request.text()));
    return Response.json(this.#put(this.#placed(path, after)), { status: before === undefined ? 201 : 200 });
  }

  #delete(path: ApiPath, query: URLSearchParams): Response {
    const { resource, namespace, name } = path;
    const doomed =
      name === null
        ? this.objects.list(resource, namespace).filter(selects(path, query))
        : [this.objects.get(resource, namespace, name)].filter((object) => object !== undefined);
    if (name !== null && doomed.length === 0) return this.#missing(path);
    for (const object of doomed) this.objects.remove(object);
    return Response.json({ kind: "Status", apiVersion: "v1", status: "Success" });
  }
}

export function startFakeApiServer(): FakeApiServer {
  const api = new Api();
  const requests: string[] = [];
  const server: Server<undefined> = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    // A watch sends nothing while nothing changes.
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url);
      requests.push(`${request.method} ${url.pathname}`);
      try {
        return await api.answer(request, url);
      } catch (error) {
        return failure(500, "InternalError", String(error));
      }
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    objects: api.objects,
    workloads: api.workloads,
    requests,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
