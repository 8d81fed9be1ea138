/** The objects of the fake API server, by resource, namespace and name; notifies watchers of every change. */
import { groupVersionOf, type Resource, resourceOfKind } from "./resources.ts";

export type Fields = { [name: string]: unknown };

export interface Metadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Fields;
  status?: Fields;
  [name: string]: unknown;
}

export type Change = { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject };
type Watcher = (resource: Resource, change: Change) => void;

const keyOf = ({ metadata: { namespace = "", name } }: KubeObject) => `${namespace}/${name}`;

/** Supports `a=b`, `c!=d`, `e`, `!f` and `key in (a,b)`, separated by commas, as kubectl and helm send them. */
export function fitsLabels(selector: string, labels: Readonly<Record<string, string>> = {}): boolean {
  return selector
    .split(/,(?![^(]*\))/)
    .filter((term) => term !== "")
    .every((term) => {
      const set = /^(\S+) (in|notin) \((.*)\)$/.exec(term.trim());
      if (set !== null) return set[3]!.split(",").includes(labels[set[1]!] ?? "") === (set[2] === "in");
      const [, not, name, operator, value] = /^(!?)([^=!]+)(==|=|!=)?(.*)$/.exec(term.trim())!;
      if (operator === undefined) return name! in labels === (not === "");
      return (labels[name!] === value) === (operator !== "!=");
    });
}

/** Supports selectors such as `metadata.name=x,status.phase!=Running`. */
export function fitsFields(selector: string, object: KubeObject): boolean {
  return selector
    .split(",")
    .filter((term) => term !== "")
    .every((term) => {
      const [, path, operator, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term)!;
      const found = path!.split(".").reduce<unknown>((at, part) => (at as Fields | undefined)?.[part], object);
      return (String(found ?? "") === value) === (operator !== "!=");
    });
}

export class Objects {
  readonly #byResource = new Map<string, Map<string, KubeObject>>();
  readonly #watchers = new Set<Watcher>();
  #version = 100;

  get version(): string {
    return String(this.#version);
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get(resource: Resource, namespace: string | null, name: string): KubeObject | undefined {
    return this.#of(resource).get(`${namespace ?? ""}/${name}`);
  }

  list(resource: Resource, namespace: string | null = null): KubeObject[] {
    return [...this.#of(resource).values()].filter(
      ({ metadata }) => namespace === null || metadata.namespace === namespace,
    );
  }

  /** Replaces the stored object; the server sets its uid, version and generation, and keeps its status. */
  put(object: KubeObject): KubeObject {
    const resource = resourceOfKind(object.apiVersion, object.kind);
    const held = this.#of(resource);
    const earlier = held.get(keyOf(object));
    const changed = earlier === undefined || JSON.stringify(earlier.spec) !== JSON.stringify(object.spec);
    const status = object.status ?? earlier?.status;
    const kept: KubeObject = {
      ...object,
      ...(status === undefined ? {} : { status }),
      metadata: {
        ...object.metadata,
        uid: earlier?.metadata.uid ?? crypto.randomUUID(),
        creationTimestamp: earlier?.metadata.creationTimestamp ?? new Date().toISOString().replace(/\.\d+/, ""),
        generation: (earlier?.metadata.generation ?? 0) + (changed ? 1 : 0),
        resourceVersion: String(++this.#version),
      },
    };
    held.set(keyOf(kept), kept);
    this.#notify(resource, { type: earlier === undefined ? "ADDED" : "MODIFIED", object: kept });
    return kept;
  }

  /** Removes an object with everything that it owns, and everything in it if it is a namespace. */
  remove(object: KubeObject): void {
    const resource = resourceOfKind(object.apiVersion, object.kind);
    const held = this.#of(resource).get(keyOf(object));
    if (held === undefined) return;
    this.#of(resource).delete(keyOf(object));
    held.metadata.resourceVersion = String(++this.#version);
    this.#notify(resource, { type: "DELETED", object: held });
    for (const other of this.all()) {
      const owned = other.metadata.ownerReferences?.some(({ uid }) => uid === held.metadata.uid) ?? false;
      if (owned || (held.kind === "Namespace" && other.metadata.namespace === held.metadata.name)) this.remove(other);
    }
  }

  all(): KubeObject[] {
    return [...this.#byResource.values()].flatMap((held) => [...held.values()]);
  }

  #of(resource: Resource): Map<string, KubeObject> {
    const key = `${groupVersionOf(resource)}/${resource.name}`;
    const held = this.#byResource.get(key) ?? new Map<string, KubeObject>();
    this.#byResource.set(key, held);
    return held;
  }

  #notify(resource: Resource, change: Change): void {
    for (const watcher of this.#watchers) watcher(resource, change);
  }
}
