/** Checks the Secrets, ConfigMaps, volumes and accounts of pods, and the checksums that replace pods. */
import { type KubernetesObject, nameOf, ofKind, type Workload, workloadsOf } from "./objects.ts";

type Objects = readonly KubernetesObject[];

interface Reference {
  readonly kind: "Secret" | "ConfigMap";
  readonly name: string;
  /** Null: all keys. */
  readonly key: string | null;
}

function referencesOf({ pod, containers }: Workload): Reference[] {
  const found: Reference[] = [];
  for (const { env = [] } of containers) {
    for (const { valueFrom } of env) {
      if (valueFrom?.secretKeyRef) found.push({ kind: "Secret", ...valueFrom.secretKeyRef });
      if (valueFrom?.configMapKeyRef) found.push({ kind: "ConfigMap", ...valueFrom.configMapKeyRef });
    }
  }
  for (const { secret, configMap } of pod.volumes ?? []) {
    if (secret !== undefined) found.push({ kind: "Secret", name: secret.secretName, key: null });
    if (configMap !== undefined) found.push({ kind: "ConfigMap", name: configMap.name, key: null });
  }
  return found;
}

/** @param elsewhere `Kind/name` of objects that the user creates */
export function missingContents(objects: Objects, elsewhere: ReadonlySet<string>): string[] {
  return workloadsOf(objects).flatMap((workload) =>
    referencesOf(workload).flatMap(({ kind, name, key }) => {
      if (elsewhere.has(`${kind}/${name}`)) return [];
      const object = ofKind(objects, kind).find(({ metadata }) => metadata.name === name);
      const where = nameOf(workload.object);
      if (object === undefined) return [`${where}: ${kind}/${name} does not exist`];
      const keys = Object.keys({ ...object.data, ...object.binaryData });
      return key === null || keys.includes(key) ? [] : [`${where}: ${kind}/${name} has no key ${key}`];
    }),
  );
}

/** Names by Kustomize end in a hash of the content, so a pod refers to another name after a change. */
const HASHED = /-[a-z0-9]{10}$/;

/** A pod needs a checksum of each Secret and ConfigMap in the manifests that it reads at its start. */
export function missingChecksums(objects: Objects): string[] {
  return workloadsOf(objects).flatMap((workload) => {
    if (workload.object.kind === "Pod") return [];
    const names = referencesOf(workload)
      .filter(({ name }) => !HASHED.test(name))
      .filter(({ kind, name }) => ofKind(objects, kind).some(({ metadata }) => metadata.name === name))
      .map(({ kind, name }) => `checksum/${kind.toLowerCase()}-${name}`);
    return [...new Set(names)]
      .filter((name) => workload.annotations[name] === undefined)
      .map((name) => `${nameOf(workload.object)}: has no annotation ${name}`);
  });
}

export function missingVolumes(objects: Objects): string[] {
  return workloadsOf(objects).flatMap(({ object, pod, containers }) => {
    const names = [
      ...(pod.volumes ?? []).map(({ name }) => name),
      ...(object.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
    ];
    const volumes = new Set(names);
    const mounted = new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
    return [
      ...(volumes.size === names.length ? [] : [`${nameOf(object)}: a volume and a claim have the same name`]),
      ...[...mounted]
        .filter((name) => !volumes.has(name))
        .map((name) => `${nameOf(object)}: volume ${name} does not exist`),
      ...[...volumes].filter((name) => !mounted.has(name)).map((name) => `${nameOf(object)}: nothing mounts ${name}`),
    ];
  });
}

export function missingAccounts(objects: Objects, elsewhere: ReadonlySet<string>): string[] {
  return workloadsOf(objects).flatMap(({ object, pod }) => {
    const name = pod.serviceAccountName ?? "default";
    const isThere = ofKind(objects, "ServiceAccount").some(({ metadata }) => metadata.name === name);
    return isThere || elsewhere.has(`ServiceAccount/${name}`)
      ? []
      : [`${nameOf(object)}: ServiceAccount/${name} does not exist`];
  });
}
