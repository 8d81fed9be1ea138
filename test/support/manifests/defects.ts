/** Defects that charts have had, planted one at a time in the manifests of our chart. */
import type { Defect } from "./plant.ts";

const change = (name: string, object: string, from: string | RegExp, to: string): Defect => ({
  name,
  object,
  from,
  to,
});
const leaveOut = (name: string, object: string): Defect => ({ name, object });

const MISTAKES: readonly Defect[] = [
  // Syntax and types.
  change("replicas as text", "StatefulSet/streamer", "replicas: 4", 'replicas: "four"'),
  change("a number as the value of a variable", "Deployment/collector", 'value: "20"', "value: 20"),
  change("a misspelt field", "Deployment/collector", "imagePullPolicy:", "imagePullPolcy:"),
  change("a misspelt field in a custom resource", "HTTPRoute/api-gateway", "backendRefs:", "backendRef:"),
  change(
    "a field one level too high",
    "Deployment/telemetry",
    /( {10}resources:\n)/,
    "          memory: 1Gi\n          resources:\n",
  ),
  change("a removed API version", "Ingress/api-gateway", "networking.k8s.io/v1", "extensions/v1beta1"),
  change("a name with capitals", "ConfigMap/redis", "name: redis", "name: Redis_Config"),
  change("a CPU quantity with an unknown suffix", "Deployment/collector", "cpu: 250m", "cpu: 50mm"),
  change("a key twice", "Service/redis", "    - name: redis\n", "    - name: redis\n      name: other\n"),
  change("no selector", "Deployment/inventory", / {2}selector:\n {4}matchLabels:\n( {6}.*\n)+/, ""),
  change("an unknown pull policy", "Deployment/inventory", "IfNotPresent", "Sometimes"),
  change("a list length as a number", "ScaledObject/collector", /listLength: "(\d+)"/, "listLength: 500"),
  change("a label with a space", "Deployment/inventory", "team: platform", "team: our platform"),
  change("a port out of range", "Service/api-gateway", "port: 8080", "port: 80800"),
  change("a negative probe period", "Deployment/inventory", "periodSeconds: 2", "periodSeconds: -2"),
  change("a schedule constraint without a key", "Deployment/inventory", /- topologyKey: \S+\n\s+maxSkew/, "- maxSkew"),
  // References to nothing.
  change(
    "a selector that does not match the pods",
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
  leaveOut("a missing ConfigMap", "ConfigMap/redis"),
  leaveOut("a missing Secret", "Secret/mongodb"),
  leaveOut("a missing service account", "ServiceAccount/gpu-telemetry"),
  change("a missing key of a Secret", "Deployment/collector", "key: uri", "key: url"),
  change(
    "an autoscaler without a target",
    "HorizontalPodAutoscaler/inventory",
    /(scaleTargetRef:[\s\S]*?name: )inventory/,
    "scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: inventories",
  ),
  change("a probe of a missing port", "Deployment/telemetry", "port: http", "port: https"),
  { name: "an object twice", object: "ConfigMap/mongodb", isTwice: true },
  change("a target port that no container has", "Service/queue-service", "targetPort: http", "targetPort: 9999"),
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
  change(
    "a StatefulSet with the Service of another",
    "StatefulSet/mongodb",
    "serviceName: mongodb",
    "serviceName: redis",
  ),
  change("an ingress to a missing port", "Ingress/api-gateway", "name: http\n", "name: web\n"),
  change("a monitor of a missing port", "ServiceMonitor/telemetry", "port: http", "port: metrics"),
  change("an alert on an unknown metric", "PrometheusRule/gpu-telemetry", "queue_dlq_depth", "queue_dead_letters"),
  change("a scaler that reads another list", "ScaledObject/collector", "q:{telemetry:0}:ready", "telemetry:queue"),
  // Environment of the services.
  change("a variable that the service does not read", "Deployment/collector", "QUEUE_SERVICE_URL", "QUEUE_URL"),
  change(
    "a value that the service refuses",
    "StatefulSet/streamer",
    /(STREAM_INTERVAL\n\s+value: )"0"/,
    'STREAM_INTERVAL\n              value: "100"',
  ),
  change("an address with a wrong port", "Deployment/api-gateway", "http://telemetry:8080", "http://telemetry:8081"),
  change("an address without a Service", "StatefulSet/streamer", "http://queue-service:8080", "http://queue:8080"),
  change(
    "a program that is not in the image",
    "Deployment/inventory",
    "args: [inventory]",
    "args: [inventory-service]",
  ),
  change("the program of another component", "Deployment/inventory", "args: [inventory]", "args: [telemetry]"),
  change(
    "fewer shards than pods",
    "StatefulSet/streamer",
    /(STREAMER_SHARDS\n\s+value: )"4"/,
    'STREAMER_SHARDS\n              value: "3"',
  ),
  change(
    "all pods with the same shard",
    "StatefulSet/streamer",
    /valueFrom:\n\s+fieldRef:\n\s+fieldPath: metadata.name/,
    'value: "0"',
  ),
  change(
    "service links in the environment",
    "Deployment/api-gateway",
    "enableServiceLinks: false",
    "enableServiceLinks: true",
  ),
  // Failures that show later.
  change(
    "liveness that depends on a dependency",
    "Deployment/collector",
    /(livenessProbe:\n\s+httpGet: \{ path: )\/healthz/,
    "livenessProbe:\n            httpGet: { path: /readyz",
  ),
  change(
    "a grace period shorter than a save",
    "Deployment/collector",
    "terminationGracePeriodSeconds: 40",
    "terminationGracePeriodSeconds: 20",
  ),
  change("a missing checksum of a Secret", "Deployment/queue-service", /\s+checksum\/secret-redis: \S+/, ""),
  change("replicas set along with an autoscaler", "Deployment/inventory", "spec:\n", "spec:\n  replicas: 1\n"),
  change(
    "two autoscalers for one workload",
    "HorizontalPodAutoscaler/queue-service",
    /^ {4}name: queue-service$/m,
    "    name: collector",
  ),
  change("a budget that blocks every drain", "PodDisruptionBudget/streamer", "maxUnavailable: 1", "maxUnavailable: 0"),
  change("Redis that may lose confirmed writes", "ConfigMap/redis", "appendfsync always", "appendfsync everysec"),
  change("Redis that evicts", "ConfigMap/redis", "maxmemory-policy noeviction", "maxmemory-policy allkeys-lru"),
  change("a queue larger than Redis", "ConfigMap/redis", "maxmemory 768mb", "maxmemory 512mb"),
  change(
    "a replica set member that cannot resolve its own name",
    "Service/mongodb",
    "  publishNotReadyAddresses: true\n",
    "",
  ),
  change("a database without a password", "StatefulSet/mongodb", /\s+- --keyFile=\S+/, ""),
  // Network policies and access.
  change("a call that the egress policy blocks", "NetworkPolicy/collector", "port: 27017", "port: 27018"),
  change(
    "a call that the ingress policy blocks",
    "NetworkPolicy/queue-service",
    /- podSelector:\n\s+matchLabels:\n\s+app: collector\n/,
    "- podSelector:\n            matchLabels:\n              app: collectors\n",
  ),
  change("no access to the DNS", "NetworkPolicy/gpu-telemetry", /k8s-app: kube-dns/, "k8s-app: coredns"),
  change(
    "a policy that selects pods of other releases",
    "NetworkPolicy/gpu-telemetry",
    / {6}app.kubernetes.io\/instance: gpu-telemetry\n/,
    "",
  ),
  change("a policy that lets in all pods", "NetworkPolicy/mongodb", / {4}- from:\n( {8}.*\n)+ {6}ports/, "    - ports"),
  leaveOut("a service without a policy of its own", "NetworkPolicy/inventory"),
  change("a policy that blocks the scaler", "NetworkPolicy/redis", "metadata.name: keda", "metadata.name: scaler"),
  change(
    "a policy that blocks Prometheus",
    "NetworkPolicy/streamer",
    "metadata.name: monitoring",
    "metadata.name: other",
  ),
  change("a scrape without the token", "ServiceMonitor/telemetry", /\s+authorization:(\n {8,}.*)+/, ""),
  change("a scaler without the password", "TriggerAuthentication/collector", "key: password", "key: secret"),
  change("a test without the token", "Pod/gpu-telemetry-test", "name: API_TOKEN", "name: ADMIN_TOKEN"),
  change(
    "pods spread by the labels of another component",
    "Deployment/collector",
    /(labelSelector:\n\s+matchLabels:\n\s+app: )collector/,
    "labelSelector:\n            matchLabels:\n              app: streamer",
  ),
  change("data outside its volume", "StatefulSet/mongodb", "mountPath: /data/db", "mountPath: /data"),
  change("files mounted where they are not read", "StatefulSet/streamer", "mountPath: /data", "mountPath: /csv"),
  change("a volume with the group of another user", "StatefulSet/redis", "fsGroup: 999", "fsGroup: 10001"),
];

/** Weak security settings, and unlimited resources. */
export const OPENINGS: readonly Defect[] = [
  change("a privileged container", "Deployment/api-gateway", "allowPrivilegeEscalation: false", "privileged: true"),
  change(
    "a container that runs as root",
    "Deployment/collector",
    /runAsNonRoot: true\n\s+runAsUser: 10001/,
    "runAsUser: 0",
  ),
  change(
    "a writable root file system",
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
  change(
    "a scraper that may not call the API server",
    "StatefulSet/scraper",
    "automountServiceAccountToken: true",
    "automountServiceAccountToken: false",
  ),
  change("a spool outside its volume", "StatefulSet/scraper", "mountPath: /spool", "mountPath: /tmp"),
  change("a password in a ConfigMap", "ConfigMap/redis", "maxmemory 768mb", "maxmemory 768mb\n  password: hunter22"),
  change("no memory limit", "Deployment/telemetry", /limits:\n\s+memory: \S+\n/, ""),
  change("an image with the tag latest", "StatefulSet/mongodb", /mongo:\S+/, "mongo:latest"),
  change(
    "a test pod outside the restricted standard",
    "Pod/gpu-telemetry-test",
    /\n +seccompProfile:\n +type: RuntimeDefault/g,
    "",
  ),
];

/** Defects for the manifests of the values file `scaled`. */
export const DEFECTS: readonly Defect[] = [...MISTAKES, ...OPENINGS];
