/** Does at once what controllers and kubelets do later: creates pods and sets the status of workloads. */
import type { KubeObject, Objects } from "./objects.ts";
import { resourceOfKind } from "./resources.ts";

const PODS = resourceOfKind("v1", "Pod");
const REPLICA_SETS = resourceOfKind("apps/v1", "ReplicaSet");

export interface Workloads {
  /** Whether a workload becomes ready, by name; others stay as if their image could not be pulled. */
  becomesReady: (workload: string) => boolean;
}

interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: { name: string; image: string }[]; [field: string]: unknown };
}

const hashOf = (value: unknown) => Bun.hash(JSON.stringify(value)).toString(36).slice(0, 8);

const condition = (type: string, status: boolean, reason: string) => ({
  type,
  status: status ? "True" : "False",
  reason,
  lastTransitionTime: new Date().toISOString().replace(/\.\d+/, ""),
});

const WAITING = { reason: "ImagePullBackOff", message: "Back-off pulling image: no such image" };

function podStatus(containers: { name: string; image: string }[], ready: boolean, ended: boolean) {
  const startedAt = new Date().toISOString();
  return {
    phase: ended ? "Succeeded" : ready ? "Running" : "Pending",
    conditions: [
      condition("PodScheduled", true, "Scheduled"),
      condition("Ready", ready && !ended, ended ? "PodCompleted" : ready ? "Ready" : "ContainersNotReady"),
    ],
    containerStatuses: containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready: ready && !ended,
      restartCount: 0,
      state: ended
        ? { terminated: { exitCode: 0, reason: "Completed", finishedAt: startedAt } }
        : ready
          ? { running: { startedAt } }
          : { waiting: WAITING },
    })),
  };
}

const ownedBy = ({ apiVersion, kind, metadata }: KubeObject) => [
  { apiVersion, kind, name: metadata.name, uid: metadata.uid!, controller: true },
];

export function createWorkloads(objects: Objects): Workloads & { settle(object: KubeObject): KubeObject } {
  const workloads: Workloads = { becomesReady: () => true };

  const putPod = (owner: KubeObject, name: string, template: PodTemplate, ready: boolean, ended = false) => {
    const pod = objects.put({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: owner.metadata.namespace!,
        ...template.metadata,
        ownerReferences: ownedBy(owner),
      },
      spec: { ...template.spec, nodeName: "gpu-telemetry-cluster-control-plane" },
      status: podStatus(template.spec.containers, ready, ended),
    });
    if (!ready) putEvent(pod);
  };

  const putEvent = ({ kind, metadata: { name, namespace }, spec }: KubeObject) => {
    const now = new Date().toISOString().replace(/\.\d+/, "");
    const [container] = (spec as PodTemplate["spec"]).containers;
    objects.put({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.pull`, namespace: namespace! },
      involvedObject: { kind, name, namespace },
      type: "Warning",
      reason: "Failed",
      message: `Failed to pull image "${container!.image}": no such image`,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 3,
      source: { component: "kubelet" },
    });
  };

  const putPods = (owner: KubeObject, names: readonly string[], template: PodTemplate, ready: boolean) => {
    const pods = objects.list(PODS, owner.metadata.namespace!);
    for (const pod of pods) {
      const isOwn = pod.metadata.ownerReferences?.[0]?.uid === owner.metadata.uid;
      if (isOwn && !names.includes(pod.metadata.name)) objects.remove(pod);
    }
    for (const name of names) putPod(owner, name, template, ready);
  };

  /** Creates claims that outlive their StatefulSet, as on a real cluster. */
  const putClaims = ({ metadata: { name, namespace }, spec }: KubeObject, count: number) => {
    for (const claim of (spec?.volumeClaimTemplates ?? []) as KubeObject[]) {
      for (let index = 0; index < count; index++) {
        objects.put({
          ...claim,
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { ...claim.metadata, name: `${claim.metadata.name}-${name}-${index}`, namespace: namespace! },
          status: { phase: "Bound" },
        });
      }
    }
  };

  const settleReplicated = (object: KubeObject): KubeObject => {
    const { metadata, kind } = object;
    const spec = object.spec as { replicas?: number; template: PodTemplate };
    const count = spec.replicas ?? 1;
    const ready = workloads.becomesReady(metadata.name);
    const hash = hashOf(spec.template);
    const counts = ready ? { readyReplicas: count, availableReplicas: count } : { unavailableReplicas: count };
    const status = {
      observedGeneration: metadata.generation,
      replicas: count,
      updatedReplicas: count,
      ...counts,
      ...(kind === "StatefulSet"
        ? {
            currentReplicas: count,
            currentRevision: `${metadata.name}-${hash}`,
            updateRevision: `${metadata.name}-${hash}`,
          }
        : {
            conditions: [
              condition("Available", ready, "Settled"),
              condition("Progressing", true, "NewReplicaSetAvailable"),
            ],
          }),
    };
    const settled = objects.put({ ...object, status });
    const indices = Array.from({ length: count }, (_, index) => index);
    if (kind === "StatefulSet") {
      putClaims(settled, count);
      putPods(
        settled,
        indices.map((index) => `${metadata.name}-${index}`),
        spec.template,
        ready,
      );
      return settled;
    }
    for (const held of objects.list(REPLICA_SETS, metadata.namespace!)) {
      const isOwn = held.metadata.ownerReferences?.[0]?.uid === settled.metadata.uid;
      if (isOwn && held.metadata.name !== `${metadata.name}-${hash}`) objects.remove(held);
    }
    const labels = { ...spec.template.metadata?.labels, "pod-template-hash": hash };
    const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
    const made = objects.put({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${metadata.name}-${hash}`,
        namespace: metadata.namespace!,
        labels,
        ownerReferences: ownedBy(settled),
      },
      spec: { ...spec, replicas: count, template: spec.template },
    });
    const replicaSet = objects.put({
      ...made,
      status: {
        observedGeneration: made.metadata.generation,
        replicas: count,
        ...(ready ? { readyReplicas: count, availableReplicas: count } : {}),
      },
    });
    putPods(
      replicaSet,
      indices.map((index) => `${metadata.name}-${hash}-${hashOf(index).slice(0, 5)}`),
      template,
      ready,
    );
    return settled;
  };

  const settleJob = (object: KubeObject): KubeObject => {
    const ready = workloads.becomesReady(object.metadata.name);
    const template = (object.spec as { template: PodTemplate }).template;
    const done = { succeeded: 1, conditions: [condition("Complete", true, "Completed")] };
    const settled = objects.put({ ...object, status: ready ? done : { active: 1 } });
    putPod(settled, `${object.metadata.name}-${hashOf(object.metadata.uid).slice(0, 5)}`, template, ready, ready);
    return settled;
  };

  return Object.assign(workloads, {
    settle(object: KubeObject): KubeObject {
      switch (object.kind) {
        case "Deployment":
        case "StatefulSet":
          return settleReplicated(object);
        case "Job":
          return settleJob(object);
        case "Pod": {
          const { containers, restartPolicy } = object.spec as PodTemplate["spec"];
          const ready = workloads.becomesReady(object.metadata.name);
          return objects.put({ ...object, status: podStatus(containers, ready, ready && restartPolicy === "Never") });
        }
        case "PersistentVolumeClaim":
          return objects.put({ ...object, status: { phase: "Bound" } });
        case "Service":
          // helm 3 waits for an address; this one leads nowhere.
          return objects.put({ ...object, spec: { clusterIP: "10.96.0.1", ...object.spec } });
        case "Namespace":
          return objects.put({ ...object, status: { phase: "Active" } });
        default:
          return object;
      }
    },
  });
}
