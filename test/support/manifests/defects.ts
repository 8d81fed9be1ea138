/** Defects that charts have had, one at a time, planted in what our chart renders. */

export interface Defect {
  readonly name: string;
  /** `Kind/name` of the object that has it. */
  readonly object: string;
  /** What stands there, once or more often: the first is changed. Absent: the object is left out. */
  readonly from?: string | RegExp;
  readonly to?: string;
  readonly isTwice?: boolean;
}

export interface Planted {
  /** All manifests, with the defect. */
  readonly whole: string;
  /** The objects that have it alone. */
  readonly changed: string;
}

const identity = (document: string): string => {
  const kind = /^kind: (\S+)/m.exec(document)?.[1];
  return `${kind}/${/^metadata:\n {2}name: (\S+)/m.exec(document)?.[1]}`;
};

/** @throws Error where the manifests have nothing to plant it in */
export function plant(manifests: string, { name, object, from, to = "", isTwice = false }: Defect): Planted {
  const documents = manifests.split(/^---\n/m).filter((document) => document.trim() !== "");
  const at = documents.findIndex((document) => identity(document) === object);
  const before = documents[at];
  if (before === undefined) throw new Error(`${name}: there is no ${object}`);
  const after = isTwice ? `${before}---\n${before}` : from === undefined ? "" : before.replace(from, () => to);
  if (after === before) throw new Error(`${name}: ${object} has nothing to change`);
  return { whole: documents.toSpliced(at, 1, after).join("---\n"), changed: after };
}

const change = (name: string, object: string, from: string | RegExp, to: string): Defect => ({
  name,
  object,
  from,
  to,
});
const leaveOut = (name: string, object: string): Defect => ({ name, object });

const MISTAKES: readonly Defect[] = [
  // What is written wrong.
  change("replicas as text", "StatefulSet/streamer", "replicas: 4", 'replicas: "four"'),
  change("a number as value of a variable", "Deployment/collector", 'value: "20"', "value: 20"),
  change("a field typed wrong", "Deployment/collector", "imagePullPolicy:", "imagePullPolcy:"),
  change("a field typed wrong in a custom resource", "HTTPRoute/api-gateway", "backendRefs:", "backendRef:"),
  change(
    "a field one level too high",
    "Deployment/telemetry",
    /( {10}resources:\n)/,
    "          memory: 1Gi\n          resources:\n",
  ),
  change("an API that is gone", "Ingress/api-gateway", "networking.k8s.io/v1", "extensions/v1beta1"),
  change("a name with capitals", "ConfigMap/redis", "name: redis", "name: Redis_Config"),
  change("half a megabyte of CPU", "Deployment/collector", "cpu: 250m", "cpu: 50mm"),
  change("a key twice", "Service/redis", "    - name: redis\n", "    - name: redis\n      name: other\n"),
  change("no selector", "Deployment/inventory", / {2}selector:\n {4}matchLabels:\n( {6}.*\n)+/, ""),
  change("a pull policy that there is not", "Deployment/inventory", "IfNotPresent", "Sometimes"),
  change("a list length as number", "ScaledObject/collector", /listLength: "(\d+)"/, "listLength: 500"),
  change("a label with a space", "Deployment/inventory", "team: platform", "team: our platform"),
  change("a port out of range", "Service/api-gateway", "port: 8080", "port: 80800"),
  change("a period of a probe that is negative", "Deployment/inventory", "periodSeconds: 2", "periodSeconds: -2"),
  change("a schedule constraint without a key", "Deployment/inventory", /- topologyKey: \S+\n\s+maxSkew/, "- maxSkew"),
  // What leads nowhere.
  change(
    "a selector that is not the pods'",
    "Deployment/inventory",
    /(matchLabels:\n\s+app: )inventory/,
    "matchLabels:\n      app: inventories",
  ),
  change(
    "a Service that selects nothing",
    "Service/inventory",
    /(selector:\n\s+app: )inventory/,
    "selector:\n    app: inventories",
  ),
  leaveOut("a ConfigMap that is not there", "ConfigMap/redis"),
  leaveOut("a Secret that is not there", "Secret/mongodb"),
  leaveOut("an account that is not there", "ServiceAccount/gpu-telemetry"),
  change("a key that the Secret has not", "Deployment/collector", "key: uri", "key: url"),
  change(
    "a target that cannot be scaled",
    "HorizontalPodAutoscaler/inventory",
    /(scaleTargetRef:[\s\S]*?name: )inventory/,
    "scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: inventories",
  ),
  change("a probe of a port that is not there", "Deployment/telemetry", "port: http", "port: https"),
  { name: "an object twice", object: "ConfigMap/mongodb", isTwice: true },
  change("a target port that nobody has", "Service/queue-service", "targetPort: http", "targetPort: 9999"),
  change(
    "a budget that selects nothing",
    "PodDisruptionBudget/queue-service",
    /(matchLabels:\n\s+app: )queue-service/,
    "matchLabels:\n      app: queue",
  ),
  change(
    "a mount without its volume",
    "StatefulSet/redis",
    "- name: config\n              mountPath",
    "- name: configuration\n              mountPath",
  ),
  change("a StatefulSet of another's Service", "StatefulSet/mongodb", "serviceName: mongodb", "serviceName: redis"),
  change("an ingress to a port that is not there", "Ingress/api-gateway", "name: http\n", "name: web\n"),
  change("a monitor of a port that is not there", "ServiceMonitor/telemetry", "port: http", "port: metrics"),
  change("an alert on what nobody measures", "PrometheusRule/gpu-telemetry", "queue_dlq_depth", "queue_dead_letters"),
  change("a backlog that is elsewhere", "ScaledObject/collector", "q:{telemetry:0}:ready", "telemetry:queue"),
  // What the services do not understand.
  change("a variable that nobody reads", "Deployment/collector", "QUEUE_SERVICE_URL", "QUEUE_URL"),
  change(
    "a value that is refused",
    "StatefulSet/streamer",
    /(STREAM_INTERVAL\n\s+value: )"0"/,
    'STREAM_INTERVAL\n              value: "100"',
  ),
  change("an address with another port", "Deployment/api-gateway", "http://telemetry:8080", "http://telemetry:8081"),
  change("an address without a Service", "StatefulSet/streamer", "http://queue-service:8080", "http://queue:8080"),
  change("a program that the image has not", "Deployment/inventory", "args: [inventory]", "args: [inventory-service]"),
  change("another's program", "Deployment/inventory", "args: [inventory]", "args: [telemetry]"),
  change(
    "fewer shards than pods",
    "StatefulSet/streamer",
    /(STREAMER_SHARDS\n\s+value: )"4"/,
    'STREAMER_SHARDS\n              value: "3"',
  ),
  change(
    "every pod the same shard",
    "StatefulSet/streamer",
    /valueFrom:\n\s+fieldRef:\n\s+fieldPath: metadata.name/,
    'value: "0"',
  ),
  change(
    "services that know each other by environment",
    "Deployment/api-gateway",
    "enableServiceLinks: false",
    "enableServiceLinks: true",
  ),
  // What goes wrong only later.
  change(
    "liveness that asks a dependency",
    "Deployment/collector",
    /(livenessProbe:\n\s+httpGet: \{ path: )\/healthz/,
    "livenessProbe:\n            httpGet: { path: /readyz",
  ),
  change(
    "ended before its batch is stored",
    "Deployment/collector",
    "terminationGracePeriodSeconds: 40",
    "terminationGracePeriodSeconds: 20",
  ),
  change("a secret that changes unnoticed", "Deployment/queue-service", /\s+checksum\/secret-redis: \S+/, ""),
  change("replicas beside an autoscaler", "Deployment/inventory", "spec:\n", "spec:\n  replicas: 1\n"),
  change(
    "two scalers of one",
    "HorizontalPodAutoscaler/queue-service",
    /^ {4}name: queue-service$/m,
    "    name: collector",
  ),
  change("a budget that lets nobody go", "PodDisruptionBudget/streamer", "maxUnavailable: 1", "maxUnavailable: 0"),
  change("Redis that may forget", "ConfigMap/redis", "appendfsync always", "appendfsync everysec"),
  change("Redis that evicts", "ConfigMap/redis", "maxmemory-policy noeviction", "maxmemory-policy allkeys-lru"),
  change("a queue larger than Redis", "ConfigMap/redis", "maxmemory 768mb", "maxmemory 512mb"),
  change("a member that cannot find itself", "Service/mongodb", "  publishNotReadyAddresses: true\n", ""),
  change("a database without a password", "StatefulSet/mongodb", /\s+- --keyFile=\S+/, ""),
  // Who may talk to whom.
  change("a call that no policy lets out", "NetworkPolicy/collector", "port: 27017", "port: 27018"),
  change(
    "a call that no policy lets in",
    "NetworkPolicy/queue-service",
    /- podSelector:\n\s+matchLabels:\n\s+app: collector\n/,
    "- podSelector:\n            matchLabels:\n              app: collectors\n",
  ),
  change("no names", "NetworkPolicy/gpu-telemetry", /k8s-app: kube-dns/, "k8s-app: coredns"),
  change(
    "pods of other releases bound",
    "NetworkPolicy/gpu-telemetry",
    / {6}app.kubernetes.io\/instance: gpu-telemetry\n/,
    "",
  ),
  change("everyone let in", "NetworkPolicy/mongodb", / {4}- from:\n( {8}.*\n)+ {6}ports/, "    - ports"),
  leaveOut("a service that no policy lets anything to", "NetworkPolicy/inventory"),
  change("a scaler that is not let in", "NetworkPolicy/redis", "metadata.name: keda", "metadata.name: scaler"),
  change("a scrape that is not let in", "NetworkPolicy/streamer", "metadata.name: monitoring", "metadata.name: other"),
  change("a scrape without the token", "ServiceMonitor/telemetry", /\s+authorization:(\n {8,}.*)+/, ""),
  change("a scaler without the password", "TriggerAuthentication/collector", "key: password", "key: secret"),
  change("a test without the token", "Pod/gpu-telemetry-test", "name: API_TOKEN", "name: ADMIN_TOKEN"),
  change(
    "pods spread by those of another",
    "Deployment/collector",
    /(labelSelector:\n\s+matchLabels:\n\s+app: )collector/,
    "labelSelector:\n            matchLabels:\n              app: streamer",
  ),
  change("data beside its volume", "StatefulSet/mongodb", "mountPath: /data/db", "mountPath: /data"),
  change("files beside where they are read", "StatefulSet/streamer", "mountPath: /data", "mountPath: /csv"),
  change("a volume of another's group", "StatefulSet/redis", "fsGroup: 999", "fsGroup: 10001"),
];

/** What an intruder would like, and what takes more of a node than it should. */
export const OPENINGS: readonly Defect[] = [
  change("a privileged container", "Deployment/api-gateway", "allowPrivilegeEscalation: false", "privileged: true"),
  change("root", "Deployment/collector", /runAsNonRoot: true\n\s+runAsUser: 10001/, "runAsUser: 0"),
  change(
    "a root file system that can be written",
    "Deployment/telemetry",
    "readOnlyRootFilesystem: true",
    "readOnlyRootFilesystem: false",
  ),
  change("all capabilities", "Deployment/telemetry", /\n\s+capabilities:\n\s+drop: \[ALL\]/, ""),
  change(
    "the node's network",
    "StatefulSet/redis",
    "enableServiceLinks: false",
    "enableServiceLinks: false\n      hostNetwork: true",
  ),
  change("the node's files", "StatefulSet/streamer", /csi:\n(\s{12}.*\n)+/, "hostPath: { path: /data }\n"),
  change(
    "a token of the API server",
    "Deployment/inventory",
    "automountServiceAccountToken: false",
    "automountServiceAccountToken: true",
  ),
  change("a password in a ConfigMap", "ConfigMap/redis", "maxmemory 768mb", "maxmemory 768mb\n  password: hunter22"),
  change("memory without a limit", "Deployment/telemetry", /limits:\n\s+memory: \S+\n/, ""),
  change("whatever image is newest", "StatefulSet/mongodb", /mongo:\S+/, "mongo:latest"),
  change("a test that is not restricted", "Pod/gpu-telemetry-test", /\n +seccompProfile:\n +type: RuntimeDefault/g, ""),
];

/** Of the values file `scaled`. */
export const DEFECTS: readonly Defect[] = [...MISTAKES, ...OPENINGS];
