/** Checks that Prometheus, KEDA and `helm test` send the required tokens and that network policies let them in. */
import { ourContainers } from "./environment.ts";
import { isLet, type Place } from "./network.ts";
import { type KubernetesObject, type Labels, nameOf, ofKind, workloadsOf } from "./objects.ts";

type Objects = readonly KubernetesObject[];

/** The token that /metrics of a program requires if it is set. */
const GUARDS: Readonly<Record<string, string>> = {
  "api-gateway": "API_TOKEN",
  inventory: "INTERNAL_TOKEN",
  "queue-service": "INTERNAL_TOKEN",
  telemetry: "INTERNAL_TOKEN",
};

/** Namespaces in the values files of ci/. */
const MONITORING = "monitoring";
const KEDA = "keda";

/** The Secret and key from which a program gets a variable. */
const secretOf = (objects: Objects, program: string, variable: string) =>
  ourContainers(objects)
    .find((one) => one.program === program)
    ?.container.env?.find(({ name }) => name === variable)?.valueFrom?.secretKeyRef;

const tokens = (objects: Objects): string[] => [
  ...ofKind(objects, "ServiceMonitor").flatMap((monitor) => {
    const guard = GUARDS[monitor.metadata.name];
    const wanted = guard === undefined ? undefined : secretOf(objects, monitor.metadata.name, guard);
    return (monitor.spec?.endpoints ?? [])
      .filter(({ authorization }) => !Bun.deepEquals(authorization?.credentials, wanted))
      .map(() => `${nameOf(monitor)}: does not send ${guard ?? "nothing"}`);
  }),
  ...ofKind(objects, "TriggerAuthentication").flatMap((authentication) => {
    const wanted = secretOf(objects, "queue-service", "REDIS_PASSWORD");
    return (authentication.spec?.secretTargetRef ?? [])
      .filter(({ name, key }) => name !== wanted?.name || key !== wanted.key)
      .map(() => `${nameOf(authentication)}: does not send REDIS_PASSWORD`);
  }),
  ...workloadsOf(objects).flatMap(({ object, containers }) => {
    if (object.kind !== "Pod") return [];
    const wanted = secretOf(objects, "api-gateway", "API_TOKEN");
    const sent = containers.map(
      ({ env = [] }) => env.find(({ name }) => name === "API_TOKEN")?.valueFrom?.secretKeyRef,
    );
    return sent.filter((one) => !Bun.deepEquals(one, wanted)).map(() => `${nameOf(object)}: does not send API_TOKEN`);
  }),
];

const isLetIn = (objects: Objects, pod: Labels, namespace: string, port: number): boolean => {
  const caller: Place = {
    labels: {},
    namespace: { "kubernetes.io/metadata.name": namespace },
    port: 0,
    protocol: "TCP",
  };
  return isLet(objects, pod, "Ingress", caller, { ...caller, port });
};

function waysIn(objects: Objects): string[] {
  const closedTo = (namespace: string, port: number, apps: ReadonlySet<string | undefined>) =>
    workloadsOf(objects)
      .filter(({ labels }) => apps.has(labels.app) && !isLetIn(objects, labels, namespace, port))
      .map(({ object }) => `${nameOf(object)}: does not let in namespace ${namespace}`);
  const monitored = ofKind(objects, "ServiceMonitor").map(({ metadata }) => metadata.name);
  const scaledBy = ofKind(objects, "ScaledObject").length > 0 ? ["redis"] : [];
  return [...closedTo(MONITORING, 8080, new Set(monitored)), ...closedTo(KEDA, 6379, new Set(scaledBy))];
}

export const callerProblems = (objects: Objects): string[] => [...tokens(objects), ...waysIn(objects)];
