/** Parses manifests into Kubernetes objects, typed as far as the checks read them. */
import { parseAllDocuments } from "yaml";

export type Labels = Readonly<Record<string, string>>;

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string; readonly optional?: boolean };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number };
  readonly tcpSocket?: { readonly port: string | number };
  readonly exec?: { readonly command: readonly string[] };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvironmentVariable[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext?: { readonly readOnlyRootFilesystem?: boolean };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: { readonly runAsUser?: number; readonly fsGroup?: number };
  readonly topologySpreadConstraints?: readonly { readonly labelSelector?: Selector }[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string };
    readonly configMap?: { readonly name: string };
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
}

export interface Selector {
  readonly matchLabels?: Labels;
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string };
}

export interface PolicyRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port?: string | number }[];
}

/** The fields of all kinds; each check reads those of its kinds. */
export interface Spec extends Omit<Partial<PodSpec>, "serviceAccountName"> {
  readonly replicas?: number;
  readonly maxUnavailable?: string | number;
  readonly selector?: Selector | Labels;
  readonly serviceName?: string;
  readonly serviceAccountName?: string;
  readonly template?: {
    readonly metadata: { readonly labels?: Labels; readonly annotations?: Labels };
    readonly spec: PodSpec;
  };
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  readonly clusterIP?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly ports?: readonly { readonly name?: string; readonly port: number; readonly targetPort?: string | number }[];
  readonly scaleTargetRef?: { readonly kind?: string; readonly name: string };
  readonly podSelector?: Selector;
  readonly policyTypes?: readonly string[];
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
  readonly triggers?: readonly { readonly metadata: Readonly<Record<string, string>> }[];
  readonly endpoints?: readonly {
    readonly port: string;
    readonly path: string;
    readonly authorization?: { readonly credentials: { readonly name: string; readonly key: string } };
  }[];
  readonly groups?: readonly { readonly rules: readonly { readonly alert?: string; readonly expr: string }[] }[];
  readonly rules?: readonly {
    readonly http?: {
      readonly paths: readonly {
        readonly backend: {
          readonly service: {
            readonly name: string;
            readonly port: { readonly name?: string; readonly number?: number };
          };
        };
      }[];
    };
    readonly backendRefs?: readonly { readonly name: string; readonly port: number }[];
  }[];
  readonly secretTargetRef?: readonly { readonly name: string; readonly key: string }[];
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly spec?: Spec;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** The pods of a Deployment or StatefulSet, or a single Pod. */
export interface Workload {
  readonly object: KubernetesObject;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly pod: PodSpec;
  readonly containers: readonly Container[];
}

/** @throws Error if the text is not YAML or has a key twice */
export function parseManifests(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}

export const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind}/${metadata.name}`;

export function workloadsOf(objects: readonly KubernetesObject[]): readonly Workload[] {
  return objects.flatMap((object) => {
    const { kind, spec, metadata } = object;
    const pod = kind === "Pod" ? (spec as PodSpec) : spec?.template?.spec;
    if (pod === undefined) return [];
    const { labels = {}, annotations = {} } = kind === "Pod" ? metadata : (spec?.template?.metadata ?? {});
    return [{ object, labels, annotations, pod, containers: [...(pod.initContainers ?? []), ...pod.containers] }];
  });
}

export const ofKind = (
  objects: readonly KubernetesObject[],
  ...kinds: readonly string[]
): readonly KubernetesObject[] => objects.filter(({ kind }) => kinds.includes(kind));

/** Whether labels match a selector. */
export const matches = (selector: Labels | undefined, labels: Labels): boolean =>
  Object.entries(selector ?? {}).every(([name, value]) => labels[name] === value);
