/** Derives the calls between pods from their environment, and checks that Services and policies allow exactly those. */
import { environmentOf, ourContainers } from "./environment.ts";
import {
  type KubernetesObject,
  type Labels,
  matches,
  nameOf,
  ofKind,
  type PolicyRule,
  type Workload,
  workloadsOf,
} from "./objects.ts";

type Objects = readonly KubernetesObject[];

interface Call {
  readonly from: Workload;
  readonly variable: string;
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /(?:^|@|\/\/|,)([a-z0-9][a-z0-9.-]*):(\d+)(?=$|[/,?])/g;
const OURS = /(_URL|^REDIS_ADDR|^MONGODB_URI)$/;

const callsIn = (from: Workload, env: Readonly<Record<string, string>>): Call[] =>
  Object.entries(env)
    .filter(([name]) => OURS.test(name))
    .flatMap(([variable, value]) =>
      [...value.matchAll(ADDRESS)].map(([, host = "", port]) => ({ from, variable, host, port: Number(port) })),
    );

/** Calls of our programs and of the pod of `helm test`. */
function callsOf(objects: Objects): readonly Call[] {
  const ours = ourContainers(objects).flatMap(({ workload, env }) => callsIn(workload, env));
  const tests = workloadsOf(objects).filter(({ object }) => object.kind === "Pod");
  return [
    ...ours,
    ...tests.flatMap((test) => test.containers.flatMap((one) => callsIn(test, environmentOf(objects, test, one)))),
  ];
}

const serviceOf = (objects: Objects, host: string): KubernetesObject | undefined =>
  ofKind(objects, "Service").find(
    ({ metadata }) => metadata.name === host.split(".").find((part) => part === metadata.name),
  );

/** Addresses whose Service or port does not exist. A name with a dot is outside the release. */
export function missingServices(objects: Objects): string[] {
  return callsOf(objects).flatMap(({ from, variable, host, port }) => {
    const service = serviceOf(objects, host);
    const where = `${nameOf(from.object)}: ${variable}`;
    if (service === undefined) return host.includes(".") ? [] : [`${where}: Service ${host} does not exist`];
    const hasPort = service.spec?.ports?.some((one) => one.port === port);
    return hasPort ? [] : [`${where}: Service ${host} has no port ${port}`];
  });
}

export interface Place {
  readonly labels: Labels;
  /** Null for addresses outside the cluster. */
  readonly namespace: Labels | null;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

const HERE: Labels = { "kubernetes.io/metadata.name": "here" };

const lets = (rules: readonly PolicyRule[], side: "from" | "to", peer: Place, port: Place): boolean =>
  rules.some((rule) => {
    const { ports } = rule;
    const peers = rule[side];
    const isPort = ports?.some((one) => one.port === port.port && (one.protocol ?? "TCP") === port.protocol) ?? true;
    const isPeer =
      peers?.some(({ podSelector, namespaceSelector, ipBlock }) => {
        if (ipBlock !== undefined || peer.namespace === null) return false;
        const isNamespace = namespaceSelector
          ? matches(namespaceSelector.matchLabels, peer.namespace)
          : peer.namespace === HERE;
        return isNamespace && matches(podSelector?.matchLabels, peer.labels);
      }) ?? true;
    return isPort && isPeer;
  });

/** Whether the policies that select a pod allow traffic to (Egress) or from (Ingress) a peer. */
export function isLet(objects: Objects, pod: Labels, type: "Ingress" | "Egress", peer: Place, port: Place): boolean {
  const policies = ofKind(objects, "NetworkPolicy").filter(
    ({ spec }) => matches(spec?.podSelector?.matchLabels, pod) && spec?.policyTypes?.includes(type),
  );
  if (policies.length === 0) return true;
  return policies.some(({ spec }) =>
    type === "Ingress" ? lets(spec?.ingress ?? [], "from", peer, port) : lets(spec?.egress ?? [], "to", peer, port),
  );
}

const portOf = ({ containers }: Workload): number =>
  containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort ?? 0;

function reaches(objects: Objects, from: Workload, to: Workload): boolean {
  const port: Place = { labels: to.labels, namespace: HERE, port: portOf(to), protocol: "TCP" };
  const caller: Place = { labels: from.labels, namespace: HERE, port: 0, protocol: "TCP" };
  return isLet(objects, from.labels, "Egress", port, port) && isLet(objects, to.labels, "Ingress", caller, port);
}

/** The pods that may be called from outside the release. */
const GATE = "api-gateway";

/** A pod of no release, in a namespace that no policy names. */
const STRANGER: Place = {
  labels: {},
  namespace: { "kubernetes.io/metadata.name": "elsewhere" },
  port: 0,
  protocol: "TCP",
};

const DNS: Place = {
  labels: { "k8s-app": "kube-dns" },
  namespace: { "kubernetes.io/metadata.name": "kube-system" },
  port: 53,
  protocol: "UDP",
};

/** Calls that policies block, pods that cannot reach the DNS, and allowed connections that no pod needs. */
export function policyProblems(objects: Objects): string[] {
  if (ofKind(objects, "NetworkPolicy").length === 0) return [];
  const workloads = workloadsOf(objects);
  const calls = callsOf(objects);
  const problems: string[] = [];
  for (const from of workloads) {
    const name = nameOf(from.object);
    const own = calls.filter((call) => call.from.object === from.object);
    if (own.length > 0 && !isLet(objects, from.labels, "Egress", DNS, DNS))
      problems.push(`${name}: cannot reach the DNS`);
    for (const { host, port } of own) {
      if (serviceOf(objects, host) !== undefined) continue;
      const outside: Place = { labels: {}, namespace: null, port, protocol: "TCP" };
      if (!isLet(objects, from.labels, "Egress", outside, outside))
        problems.push(`${name}: cannot reach ${host}:${port}`);
    }
    const inside: Place = { labels: from.labels, namespace: HERE, port: portOf(from), protocol: "TCP" };
    if (from.labels.app !== GATE && isLet(objects, from.labels, "Ingress", STRANGER, inside))
      problems.push(`${name}: is open to all pods`);
    for (const to of workloads) {
      if (to === from || to.object.kind === "Pod") continue;
      const isCalled = own.some(({ host }) => {
        const selector = serviceOf(objects, host)?.spec?.selector as Labels | undefined;
        return selector !== undefined && matches(selector, to.labels);
      });
      if (isCalled === reaches(objects, from, to)) continue;
      problems.push(`${name}: ${isCalled ? "cannot reach" : "may reach without need"} ${nameOf(to.object)}`);
    }
  }
  return problems;
}

/** Policies that select pods of other releases, and pods of ours that no policy selects. */
export function policyScope(objects: Objects): string[] {
  const policies = ofKind(objects, "NetworkPolicy");
  if (policies.length === 0) return [];
  const workloads = workloadsOf(objects);
  return policies
    .flatMap((policy) => {
      const selector = policy.spec?.podSelector?.matchLabels;
      const foreign = workloads.map(({ labels }) => ({ ...labels, "app.kubernetes.io/instance": "another" }));
      return foreign.some((labels) => matches(selector, labels))
        ? [`${nameOf(policy)}: selects pods of other releases`]
        : [];
    })
    .concat(
      workloads.flatMap(({ object, labels }) =>
        (["Ingress", "Egress"] as const)
          .filter((type) => {
            const binds = ({ spec }: KubernetesObject) =>
              matches(spec?.podSelector?.matchLabels, labels) && spec?.policyTypes?.includes(type);
            return !policies.some(binds);
          })
          .map((type) => `${nameOf(object)}: no policy restricts its ${type}`),
      ),
    );
}
