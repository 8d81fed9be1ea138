/**
 * A stand-in for the part of Kubernetes' API server that serves EndpointSlices: pages of a list, watches that start at
 * a version, bookmarks, versions that expire, and tokens.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface SliceEndpoint {
  readonly address: string;
  readonly pod?: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
}

export interface SliceSpec {
  readonly service: string;
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports?: readonly { readonly name?: string; readonly port: number; readonly appProtocol?: string }[];
}

interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: ReturnType<typeof sliceObject>;
}

const SERVICE_LABEL = "kubernetes.io/service-name";

const sliceObject = (namespace: string, name: string, { service, endpoints, ports }: SliceSpec, version: number) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace, name, labels: { [SERVICE_LABEL]: service }, resourceVersion: String(version) },
  addressType: endpoints[0]?.address.includes(":") ? "IPv6" : "IPv4",
  endpoints: endpoints.map(({ address, pod, node, ready = true, serving }) => ({
    addresses: [address],
    conditions: { ready, ...(serving === undefined ? {} : { serving }) },
    ...(node === undefined ? {} : { nodeName: node }),
    ...(pod === undefined ? {} : { targetRef: { kind: "Pod", namespace, name: pod, uid: `uid-${pod}` } }),
  })),
  ports: ports ?? [{ name: "metrics", port: 9400, protocol: "TCP" }],
});

const gone = { kind: "Status", status: "Failure", code: 410, reason: "Expired", message: "too old resource version" };

interface Watcher {
  readonly answer: ServerResponse;
  readonly fits: (object: Change["object"]) => boolean;
}

export class EndpointSliceServer implements AsyncDisposable {
  /** Tokens that the server accepts. */
  readonly tokens = new Set<string>();
  /** Requests so far, as `list` and `watch VERSION`, with the status of refusals. */
  readonly requests: string[] = [];
  readonly #namespace: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #objects = new Map<string, Change["object"]>();
  readonly #watchers = new Set<Watcher>();
  #history: Change[] = [];
  #version = 100;
  /** Watches from versions before this one are refused. */
  #oldest = 100;
  #port = 0;
  readonly #isSecure: boolean;

  constructor(namespace: string, certificate?: { readonly key: string; readonly cert: string }) {
    this.#namespace = namespace;
    this.#isSecure = certificate !== undefined;
    const handle = (request: IncomingMessage, answer: ServerResponse) => this.#handle(request, answer);
    this.#server = certificate === undefined ? createServer(handle) : createSecureServer(certificate, handle);
  }

  get url(): string {
    return `${this.#isSecure ? "https" : "http"}://127.0.0.1:${this.#port}`;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Listens, after a stop at the same address. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cutWatches();
    this.#server.closeAllConnections();
    await closed;
  }

  set(name: string, spec: SliceSpec): void {
    const object = sliceObject(this.#namespace, name, spec, ++this.#version);
    this.#record({ version: this.#version, type: this.#objects.has(name) ? "MODIFIED" : "ADDED", object });
    this.#objects.set(name, object);
  }

  delete(name: string): void {
    const object = this.#objects.get(name);
    if (object === undefined) throw new Error(`EndpointSlice ${name} does not exist`);
    this.#objects.delete(name);
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    this.#record({ version: this.#version, type: "DELETED", object: { ...object, metadata } });
  }

  /** Forgets all changes so far, as etcd's compaction does: watches from earlier versions are refused. */
  expire(): void {
    this.#version++;
    this.#oldest = this.#version;
    this.#history = [];
  }

  bookmark(): void {
    this.#send({
      type: "BOOKMARK",
      object: { kind: "EndpointSlice", metadata: { resourceVersion: `${this.#version}` } },
    });
  }

  /** Sends a line to all watches, such as an error or garbage. */
  send(line: unknown): void {
    this.#send(line);
  }

  /** Ends all watches as the server does after their time. */
  endWatches(): void {
    for (const { answer } of this.#watchers) answer.end();
    this.#watchers.clear();
  }

  /** Breaks the connections of all watches. */
  cutWatches(): void {
    for (const { answer } of this.#watchers) answer.socket?.destroy();
    this.#watchers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #record(change: Change): void {
    this.#history.push(change);
    for (const { answer, fits } of this.#watchers) if (fits(change.object)) write(answer, eventOf(change));
  }

  #send(line: unknown): void {
    for (const { answer } of this.#watchers) write(answer, line);
  }

  #handle(request: IncomingMessage, answer: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://server");
    const isWatch = searchParams.get("watch") === "1";
    const refuse = (code: number, body: object) => {
      this.requests.push(`${isWatch ? "watch" : "list"} ${code}`);
      answer.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    const refusal = this.#refusal(token, pathname);
    if (refusal !== undefined) {
      refuse(refusal.code, refusal);
      return;
    }
    const [label, service] = (searchParams.get("labelSelector") ?? "").split("=");
    const fits = (object: Change["object"]) => label === SERVICE_LABEL && object.metadata.labels[label] === service;
    const [version = this.#version, start = 0] = isWatch
      ? [Number(searchParams.get("resourceVersion"))]
      : (searchParams.get("continue") ?? "").split("/").filter(Boolean).map(Number);
    if (version < this.#oldest) refuse(410, gone);
    else if (isWatch) this.#watch(version, fits, answer);
    else this.#list({ version, start, limit: Number(searchParams.get("limit") ?? 500) }, fits, answer);
  }

  #refusal(token: string, pathname: string) {
    const status = (code: number, message: string) => ({ kind: "Status", status: "Failure", code, message });
    if (!this.tokens.has(token)) return status(401, "Unauthorized");
    const path = `/apis/discovery.k8s.io/v1/namespaces/${this.#namespace}/endpointslices`;
    return pathname === path ? undefined : status(403, "forbidden");
  }

  #watch(from: number, fits: Watcher["fits"], answer: ServerResponse): void {
    this.requests.push(`watch ${from}`);
    answer.writeHead(200, { "content-type": "application/json" });
    answer.flushHeaders();
    for (const change of this.#history)
      if (change.version > from && fits(change.object)) write(answer, eventOf(change));
    const watcher = { answer, fits };
    this.#watchers.add(watcher);
    answer.on("close", () => this.#watchers.delete(watcher));
  }

  #list(
    { version, start, limit }: { version: number; start: number; limit: number },
    fits: Watcher["fits"],
    answer: ServerResponse,
  ): void {
    this.requests.push("list");
    const all = [...this.#objects.values()].filter(fits);
    const rest = all.length > start + limit ? `${version}/${start + limit}` : "";
    const metadata = { resourceVersion: String(version), ...(rest === "" ? {} : { continue: rest }) };
    answer
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ kind: "EndpointSliceList", metadata, items: all.slice(start, start + limit) }));
  }
}

const eventOf = ({ type, object }: Change) => ({ type, object });

function write(answer: ServerResponse, line: unknown): void {
  answer.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`);
}
