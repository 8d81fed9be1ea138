/** The kinds of the fake API server, their paths, and the discovery answers about them. */
export interface Resource {
  /** `""` is the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural name, as in paths. */
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
}

const resource = (groupVersion: string, name: string, kind: string, more: Partial<Resource> = {}): Resource => {
  const [version, group = ""] = groupVersion.split("/").reverse() as [string, string?];
  return { group, version, name, kind, namespaced: true, ...more };
};

const RESOURCES: readonly Resource[] = [
  resource("v1", "namespaces", "Namespace", { namespaced: false, shortNames: ["ns"] }),
  resource("v1", "nodes", "Node", { namespaced: false, shortNames: ["no"] }),
  resource("v1", "persistentvolumes", "PersistentVolume", { namespaced: false, shortNames: ["pv"] }),
  resource("v1", "pods", "Pod", { shortNames: ["po"] }),
  resource("v1", "services", "Service", { shortNames: ["svc"] }),
  resource("v1", "endpoints", "Endpoints", { shortNames: ["ep"] }),
  resource("v1", "configmaps", "ConfigMap", { shortNames: ["cm"] }),
  resource("v1", "secrets", "Secret"),
  resource("v1", "serviceaccounts", "ServiceAccount", { shortNames: ["sa"] }),
  resource("v1", "persistentvolumeclaims", "PersistentVolumeClaim", { shortNames: ["pvc"] }),
  resource("v1", "events", "Event", { shortNames: ["ev"] }),
  resource("apps/v1", "deployments", "Deployment", { shortNames: ["deploy"] }),
  resource("apps/v1", "replicasets", "ReplicaSet", { shortNames: ["rs"] }),
  resource("apps/v1", "statefulsets", "StatefulSet", { shortNames: ["sts"] }),
  resource("apps/v1", "daemonsets", "DaemonSet", { shortNames: ["ds"] }),
  resource("batch/v1", "jobs", "Job"),
  resource("batch/v1", "cronjobs", "CronJob"),
  resource("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", { shortNames: ["pdb"] }),
  resource("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", { shortNames: ["hpa"] }),
  resource("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", { shortNames: ["netpol"] }),
  resource("networking.k8s.io/v1", "ingresses", "Ingress", { shortNames: ["ing"] }),
  resource("rbac.authorization.k8s.io/v1", "roles", "Role"),
  resource("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
  resource("storage.k8s.io/v1", "storageclasses", "StorageClass", { namespaced: false, shortNames: ["sc"] }),
  resource("authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", { namespaced: false }),
];

export const groupVersionOf = ({ group, version }: Resource): string =>
  group === "" ? version : `${group}/${version}`;

export function resourceOfKind(apiVersion: string, kind: string): Resource {
  const found = RESOURCES.find((each) => each.kind === kind && groupVersionOf(each) === apiVersion);
  if (found === undefined) throw new Error(`the fake API server has no kind ${apiVersion} ${kind}`);
  return found;
}

/** The parts of an API path. */
export interface ApiPath {
  readonly resource: Resource;
  /** null: all namespaces, or a kind without namespaces. */
  readonly namespace: string | null;
  /** null: all objects of the kind. */
  readonly name: string | null;
  /** Subresource, such as `log` or `status`. */
  readonly part: string | null;
}

export function parseApiPath(pathname: string): ApiPath | null {
  const parts = pathname.split("/").filter((part) => part !== "");
  const group = parts[0] === "api" ? "" : parts[0] === "apis" ? parts[1] : undefined;
  if (group === undefined) return null;
  const [version, ...rest] = parts.slice(parts[0] === "api" ? 1 : 2);
  const inNamespace = rest[0] === "namespaces" && rest.length > 2;
  const [plural, name, part] = inNamespace ? rest.slice(2) : rest;
  const resource = RESOURCES.find(
    (each) =>
      each.group === group &&
      each.version === version &&
      each.name === plural &&
      (inNamespace ? each.namespaced : true),
  );
  if (resource === undefined) return null;
  return { resource, namespace: inNamespace ? rest[1]! : null, name: name ?? null, part: part ?? null };
}

/** Answers discovery requests; null for other paths. */
export function discover(pathname: string): object | null {
  const groups = [...new Set(RESOURCES.map((each) => each.group))].filter((group) => group !== "");
  if (pathname === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (pathname === "/apis") {
    return {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groups.map((name) => {
        const { version } = RESOURCES.find((each) => each.group === name)!;
        const preferredVersion = { groupVersion: `${name}/${version}`, version };
        return { name, versions: [preferredVersion], preferredVersion };
      }),
    };
  }
  const groupVersion = /^\/(?:api|apis\/[^/]+)\/[^/]+$/.test(pathname) ? pathname.replace(/^\/apis?\//, "") : "";
  const resources = RESOURCES.filter((each) => groupVersionOf(each) === groupVersion);
  if (resources.length === 0) return null;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: resources.map(({ name, kind, namespaced, shortNames = [] }) => ({
      name,
      singularName: kind.toLowerCase(),
      kind,
      namespaced,
      shortNames,
      verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    })),
  };
}

const pathOfGroupVersion = (each: Resource) => `${each.group === "" ? "api" : "apis"}/${groupVersionOf(each)}`;

/** Answers requests for OpenAPI, without schemas, so that clients leave validation to the server; or returns null. */
export function describe(pathname: string): object | null {
  if (pathname === "/openapi/v3") {
    const paths = RESOURCES.map(pathOfGroupVersion).map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }]);
    return { paths: Object.fromEntries(paths) };
  }
  const resources = RESOURCES.filter((each) => pathname === `/openapi/v3/${pathOfGroupVersion(each)}`);
  if (resources.length === 0) return null;
  const paths = resources.map(({ group, version, kind, name }) => {
    const patch = {
      "x-kubernetes-group-version-kind": { group, version, kind },
      parameters: [{ name: "fieldValidation", in: "query" }],
    };
    return [`/${name}/{name}`, { patch }];
  });
  return { openapi: "3.0.0", info: { title: "fake", version: "1" }, paths: Object.fromEntries(paths) };
}
