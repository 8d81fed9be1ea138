/** Checks references between manifests: labels, ports and objects. */
import {
  type Container,
  type KubernetesObject,
  type Labels,
  matches,
  nameOf,
  ofKind,
  type Selector,
  type Workload,
  workloadsOf,
} from "./objects.ts";

type Objects = readonly KubernetesObject[];

const portsOf = (containers: readonly Container[]) => containers.flatMap(({ ports = [] }) => ports);

const hasPort = (containers: readonly Container[], port: string | number | undefined): boolean =>
  portsOf(containers).some(({ name, containerPort }) => port === name || port === containerPort);

const selected = (workloads: readonly Workload[], selector: Labels | undefined): readonly Workload[] =>
  selector === undefined || Object.keys(selector).length === 0
    ? []
    : workloads.filter(({ labels }) => matches(selector, labels));

const repeated = (objects: Objects): string[] => {
  const names = objects.map((object) => {
    const { namespace = "" } = object.metadata;
    return `${object.apiVersion} ${nameOf(object)}${namespace === "" ? "" : ` in ${namespace}`}`;
  });
  return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${name} exists twice`);
};

function workloadSelectors(objects: Objects): string[] {
  const workloads = workloadsOf(objects);
  return ofKind(objects, "Deployment", "StatefulSet").flatMap((object) => {
    const selector = (object.spec?.selector as Selector | undefined)?.matchLabels;
    const found = selected(workloads, selector).map((workload) => nameOf(workload.object));
    if (found.length === 1 && found[0] === nameOf(object)) return [];
    return [`${nameOf(object)}: its selector matches ${found.join(", ") || "no pods"}`];
  });
}

function services(objects: Objects): string[] {
  const workloads = workloadsOf(objects);
  return ofKind(objects, "Service").flatMap((service) => {
    const found = selected(workloads, service.spec?.selector as Labels | undefined);
    if (found.length !== 1) return [`${nameOf(service)}: selects ${found.length} workloads`];
    return (service.spec?.ports ?? [])
      .filter(({ port, targetPort = port }) => !hasPort(found[0]?.containers ?? [], targetPort))
      .map(({ targetPort }) => `${nameOf(service)}: no container has port ${targetPort}`);
  });
}

function governingServices(objects: Objects): string[] {
  return ofKind(objects, "StatefulSet").flatMap((set) => {
    const service = ofKind(objects, "Service").find(({ metadata }) => metadata.name === set.spec?.serviceName);
    const labels = set.spec?.template?.metadata.labels ?? {};
    return service !== undefined && matches(service.spec?.selector as Labels, labels)
      ? []
      : [`${nameOf(set)}: serviceName ${set.spec?.serviceName} must be a Service of its pods`];
  });
}

function probes(objects: Objects): string[] {
  return workloadsOf(objects).flatMap(({ object, containers }) =>
    containers.flatMap((container) =>
      (["startupProbe", "livenessProbe", "readinessProbe"] as const).flatMap((name) => {
        const probe = container[name];
        const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port;
        const problems: string[] = [];
        if (port !== undefined && !hasPort([container], port))
          problems.push(`${nameOf(object)}: ${name} uses port ${port}, which ${container.name} does not have`);
        const path = probe?.httpGet?.path;
        const right = name === "readinessProbe" ? "/readyz" : "/healthz";
        if (path !== undefined && path !== right)
          problems.push(`${nameOf(object)}: ${name} must request ${right}, got ${path}`);
        if (probe === undefined && container.ports !== undefined)
          problems.push(`${nameOf(object)}: ${container.name} has no ${name}`);
        return problems;
      }),
    ),
  );
}

function scaling(objects: Objects): string[] {
  const targets = ofKind(objects, "HorizontalPodAutoscaler", "ScaledObject");
  return targets.flatMap((scaler) => {
    const { kind = "Deployment", name } = scaler.spec?.scaleTargetRef ?? { name: "" };
    const target = ofKind(objects, kind).find(({ metadata }) => metadata.name === name);
    if (target === undefined) return [`${nameOf(scaler)}: ${kind}/${name} does not exist`];
    const others = targets.filter((other) => other.spec?.scaleTargetRef?.name === name);
    return [
      ...(target.spec?.replicas === undefined
        ? []
        : [`${nameOf(target)}: replicas must not be set, ${nameOf(scaler)} sets them`]),
      ...(others.length === 1 ? [] : [`${nameOf(target)}: is scaled by ${others.map(nameOf).join(" and ")}`]),
    ];
  });
}

function budgets(objects: Objects): string[] {
  return ofKind(objects, "PodDisruptionBudget").flatMap((budget) => {
    const found = selected(workloadsOf(objects), (budget.spec?.selector as Selector | undefined)?.matchLabels);
    if (found.length !== 1) return [`${nameOf(budget)}: selects ${found.length} workloads`];
    if (budget.spec?.maxUnavailable === 0) return [`${nameOf(budget)}: blocks every drain of a node`];
    const replicas = found[0]?.object.spec?.replicas;
    return replicas === 1 ? [`${nameOf(budget)}: a budget for a single pod blocks every drain of its node`] : [];
  });
}

function routes(objects: Objects): string[] {
  const isThere = (name: string, port: string | number | undefined): boolean =>
    ofKind(objects, "Service").some(
      ({ metadata, spec }) =>
        metadata.name === name && spec?.ports?.some((one) => one.port === port || one.name === port),
    );
  return ofKind(objects, "Ingress", "HTTPRoute").flatMap((route) =>
    (route.spec?.rules ?? []).flatMap(({ http, backendRefs = [] }) =>
      [
        ...(http?.paths ?? []).map(
          ({ backend: { service } }) => [service.name, service.port.name ?? service.port.number] as const,
        ),
        ...backendRefs.map(({ name, port }) => [name, port] as const),
      ]
        .filter(([name, port]) => !isThere(name, port))
        .map(([name, port]) => `${nameOf(route)}: Service ${name} with port ${port} does not exist`),
    ),
  );
}

function monitors(objects: Objects): string[] {
  return ofKind(objects, "ServiceMonitor").flatMap((monitor) => {
    const selector = (monitor.spec?.selector as Selector | undefined)?.matchLabels;
    const found = ofKind(objects, "Service").filter(({ metadata }) => matches(selector, metadata.labels ?? {}));
    if (found.length !== 1) return [`${nameOf(monitor)}: selects ${found.length} Services`];
    return (monitor.spec?.endpoints ?? []).flatMap(({ port, path }) => [
      ...(found[0]?.spec?.ports?.some(({ name }) => name === port) ? [] : [`${nameOf(monitor)}: no port ${port}`]),
      ...(path === "/metrics" ? [] : [`${nameOf(monitor)}: path must be /metrics, got ${path}`]),
    ]);
  });
}

export const REFERENCE_CHECKS: Readonly<Record<string, (objects: Objects) => string[]>> = {
  repeated,
  workloadSelectors,
  services,
  governingServices,
  probes,
  scaling,
  budgets,
  routes,
  monitors,
};
