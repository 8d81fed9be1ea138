/** Lists in the table format that kubectl prints. */
import type { Fields, KubeObject } from "./objects.ts";

type Column = readonly [name: string, cell: (object: KubeObject) => string | number];

const age = ({ metadata }: KubeObject) =>
  `${Math.max(0, Math.round((Date.now() - Date.parse(metadata.creationTimestamp!)) / 1000))}s`;

interface ContainerStatus {
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: { readonly waiting?: { readonly reason: string } };
}
const containers = ({ status }: KubeObject) => (status?.containerStatuses ?? []) as ContainerStatus[];

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    ["Ready", (pod) => `${containers(pod).filter(({ ready }) => ready).length}/${containers(pod).length}`],
    ["Status", (pod) => containers(pod)[0]?.state.waiting?.reason ?? String(pod.status?.phase)],
    ["Restarts", (pod) => containers(pod).reduce((sum, { restartCount }) => sum + restartCount, 0)],
    ["Age", age],
  ],
  Event: [
    ["Last Seen", age],
    ["Type", ({ type }) => String(type)],
    ["Reason", ({ reason }) => String(reason)],
    ["Object", ({ involvedObject }) => `pod/${(involvedObject as Fields).name}`],
    ["Message", ({ message }) => String(message)],
  ],
};

export interface TableOptions {
  readonly version: string;
  /** The parameter `includeObject`; `Object` is sent by clients that sort by a field. */
  readonly include: string | null;
}

export function tableOf(kind: string, objects: readonly KubeObject[], { version, include }: TableOptions): object {
  const named: Column = ["Name", ({ metadata }) => metadata.name];
  const columns = kind === "Event" ? COLUMNS.Event! : [named, ...(COLUMNS[kind] ?? [["Age", age] as Column])];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: { resourceVersion: version },
    columnDefinitions: columns.map(([name]) => ({ name, type: "string", format: "", description: "", priority: 0 })),
    rows: objects.map((object) => ({
      cells: columns.map(([, cell]) => cell(object)),
      object:
        include === "Object"
          ? object
          : { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
    })),
  };
}
