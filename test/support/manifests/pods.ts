/** Checks our own rules for pods, which Kubernetes does not require. */
import { STOP_DEADLINE_MS } from "../../../services/platform/process/lifecycle.ts";
import { environmentOf, ourContainers, programOf } from "./environment.ts";
import { type KubernetesObject, matches, nameOf, ofKind, workloadsOf } from "./objects.ts";

type Objects = readonly KubernetesObject[];

const workloadProblems = (objects: Objects): string[] =>
  workloadsOf(objects).flatMap(({ object, labels, pod, containers }) => {
    const where = nameOf(object);
    const problems: string[] = [];
    // With links, a Service named `api` would set API_PORT=tcp://… in every container.
    if (pod.enableServiceLinks !== false) problems.push(`${where}: enableServiceLinks must be false`);
    const callsApi = ourContainers(objects).some((one) => one.workload.object === object && one.env.SCRAPE_KUBERNETES);
    if (pod.automountServiceAccountToken && !callsApi) problems.push(`${where}: mounts a token that no container uses`);
    if (!pod.automountServiceAccountToken && callsApi) problems.push(`${where}: has no token for the API server`);
    if (pod.automountServiceAccountToken === undefined) problems.push(`${where}: mounts a token by default`);
    const { runAsUser, fsGroup } = pod.securityContext ?? {};
    if (fsGroup === undefined || fsGroup !== runAsUser) problems.push(`${where}: cannot write to its volumes`);
    for (const { labelSelector } of pod.topologySpreadConstraints ?? [])
      if (!matches(labelSelector?.matchLabels, labels)) problems.push(`${where}: spreads pods of another workload`);
    if (labels.app === undefined) problems.push(`${where}: its pods have no label app`);
    for (const name of ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"])
      if (labels[name] === undefined) problems.push(`${where}: its pods have no label ${name}`);
    for (const { name, image, resources, securityContext } of containers) {
      if (!/(:[\w.-]+|@sha256:[a-f0-9]{64})$/.test(image) || image.endsWith(":latest"))
        problems.push(`${where}: image ${image} of ${name} is not pinned`);
      if (resources?.requests?.cpu === undefined || resources.requests.memory === undefined)
        problems.push(`${where}: ${name} requests no CPU or no memory`);
      if (resources?.limits?.memory === undefined) problems.push(`${where}: ${name} has no limit of memory`);
      if (securityContext?.readOnlyRootFilesystem !== true)
        problems.push(`${where}: ${name} may write to its root file system`);
      if (resources?.limits?.cpu !== undefined) problems.push(`${where}: ${name} has a limit of CPU`);
    }
    return problems;
  });

/** SIGTERM follows preStop, and the process takes at most STOP_DEADLINE_MS after it. */
const graceProblems = (objects: Objects): string[] =>
  ourContainers(objects).flatMap(({ workload: { object, pod }, container }) => {
    const needed = (container.lifecycle?.preStop?.sleep?.seconds ?? 0) + STOP_DEADLINE_MS / 1000 + 5;
    const given = pod.terminationGracePeriodSeconds ?? 30;
    return given >= needed
      ? []
      : [`${nameOf(object)}: terminationGracePeriodSeconds must be at least ${needed}, got ${given}`];
  });

/** A pod must run the program that its label `app` names. */
const programProblems = (objects: Objects): string[] =>
  workloadsOf(objects).flatMap(({ object, labels, containers }) =>
    containers.flatMap((container) => {
      const program = programOf(container);
      return program === null || program === labels.app ? [] : [`${nameOf(object)}: app ${labels.app} runs ${program}`];
    }),
  );

/** The variables of a program's shard, and of their number. */
const SHARDS: Readonly<Record<string, readonly [shard: string, shards: string]>> = {
  scraper: ["SCRAPE_SHARD", "SCRAPE_SHARDS"],
  streamer: ["STREAMER_SHARD", "STREAMER_SHARDS"],
};

/** Each host, and each target, must belong to exactly one shard. A scraper that is not enabled has no pods. */
const shardProblems = (objects: Objects): string[] =>
  ourContainers(objects).flatMap(({ workload: { object }, container, program, env }) => {
    const [own = "", all = ""] = SHARDS[program] ?? [];
    if (own === "") return [];
    const shard = container.env?.find(({ name }) => name === own);
    const replicas = object.spec?.replicas;
    return [
      ...(object.kind === "StatefulSet" ? [] : [`${nameOf(object)}: pods of a ${object.kind} have no ordinals`]),
      ...(env[all] === String(replicas) || (program === "scraper" && replicas === 0)
        ? []
        : [`${nameOf(object)}: ${env[all]} shards, ${replicas} pods`]),
      ...(shard?.valueFrom?.fieldRef?.fieldPath === "metadata.name"
        ? []
        : [`${nameOf(object)}: all pods are the same shard`]),
    ];
  });

const BYTES: Readonly<Record<string, number>> = { mb: 1024 ** 2, gb: 1024 ** 3, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const bytes = (size = ""): number => {
  const [, amount, unit = ""] = /^(\d+)(\D*)$/.exec(size) ?? [];
  return Number(amount) * (BYTES[unit] ?? 1);
};

/** Redis must keep everything that it has confirmed, or else readings are lost. */
const redisProblems = (objects: Objects): string[] =>
  ofKind(objects, "ConfigMap").flatMap((config) => {
    const text = config.data?.["redis.conf"];
    if (text === undefined) return [];
    const settings = new Map(text.split("\n").map((line) => line.split(/ (.*)/) as [string, string]));
    const wanted = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" };
    const wrong = Object.entries(wanted).filter(([name, value]) => settings.get(name) !== value);
    const queue = ourContainers(objects).find(({ program }) => program === "queue-service")?.env.QUEUE_MAX_BYTES;
    const isTooSmall = bytes(settings.get("maxmemory")) < bytes(queue) * 1.25;
    return [
      ...wrong.map(([name, value]) => `${nameOf(config)}: ${name} must be ${value}, got ${settings.get(name)}`),
      ...(isTooSmall
        ? [`${nameOf(config)}: maxmemory ${settings.get("maxmemory")} does not hold a queue of ${queue}`]
        : []),
    ];
  });

/** The member must resolve its own name, the one that clients use, before it is ready. */
const replicaSetProblems = (objects: Objects): string[] =>
  workloadsOf(objects).flatMap(({ object, containers }) => {
    const container = containers.find(({ command }) => command?.[0] === "mongod");
    if (container === undefined) return [];
    const service = ofKind(objects, "Service").find(({ metadata }) => metadata.name === object.spec?.serviceName);
    const member = container.env?.find(({ name }) => name === "MEMBER")?.value;
    const expected = `${object.metadata.name}-0.${service?.metadata.name}:${container.ports?.[0]?.containerPort}`;
    const isFindable = service?.spec?.clusterIP === "None" && service.spec.publishNotReadyAddresses === true;
    return [
      ...(member === expected ? [] : [`${nameOf(object)}: MEMBER must be ${expected}, got ${member}`]),
      ...(isFindable
        ? []
        : [`${nameOf(object)}: its Service does not publish the addresses of pods that are not ready`]),
      ...(container.args?.some((one) => one.startsWith("--keyFile="))
        ? []
        : [`${nameOf(object)}: requires no password`]),
    ];
  });

/** Data folder by container name. */
const DATA: Readonly<Record<string, string>> = { redis: "/data", mongodb: "/data/db", scraper: "/spool" };

const dataProblems = (objects: Objects): string[] =>
  workloadsOf(objects).flatMap((workload) =>
    workload.containers.flatMap((container) => {
      const where = nameOf(workload.object);
      const pathOf = (volume: string) => container.volumeMounts?.find(({ name }) => name === volume)?.mountPath;
      const data = DATA[container.name];
      const csv = pathOf("csv");
      const read = programOf(container) === null ? "" : (environmentOf(objects, workload, container).CSV_PATH ?? "");
      return [
        ...(data === undefined || pathOf("data") === data ? [] : [`${where}: ${data} is not on its volume`]),
        ...(csv === undefined || `${read}/`.startsWith(`${csv}/`) ? [] : [`${where}: reads ${read}, not ${csv}`]),
      ];
    }),
  );

export const POD_CHECKS: Readonly<Record<string, (objects: Objects) => string[]>> = {
  workloadProblems,
  graceProblems,
  programProblems,
  shardProblems,
  redisProblems,
  replicaSetProblems,
  dataProblems,
};
