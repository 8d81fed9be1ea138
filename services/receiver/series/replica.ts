/** Tells which replica of a highly available pair has sent a series. */

/** External labels that distinguish replicas: Mimir's, and prometheus-operator's. */
const REPLICA_LABELS = ["__replica__", "prometheus_replica"] as const;

/** One of several servers that scrape the same targets. */
export interface Replica {
  /** Names the group of servers: the external labels `cluster` and `prometheus`. */
  readonly group: string;
  readonly name: string;
}

/** Returns null if the labels name no replica, or no group: then nothing tells which servers do the same. */
export function replicaOf(labels: ReadonlyMap<string, string>): Replica | null {
  const name = REPLICA_LABELS.map((label) => labels.get(label)).find((value) => value);
  const group = [labels.get("cluster"), labels.get("prometheus")].filter((value) => value).join(" ");
  return name === undefined || group === "" ? null : { group, name };
}
