/** Holders: the pods and Slurm jobs that a GPU or a MIG instance is assigned to. */

/** A missing part is null. Holders are equal if all their parts are equal, `podUid` included. */
export type Holder =
  | {
      readonly kind: "pod";
      readonly namespace: string | null;
      readonly pod: string | null;
      readonly container: string | null;
      readonly podUid: string | null;
    }
  | { readonly kind: "job"; readonly job: string };

/** Holders in the order of `compareHolders`, each once. */
export type HolderSet = readonly Holder[];

export const NOBODY: HolderSet = [];

export const sameHolder = (a: Holder, b: Holder): boolean => a === b || compareHolders(a, b) === 0;

/** Blocks share their holders, so each key is made once. */
const keys = new WeakMap<Holder, string>();

/** Returns a text that only equal holders have in common. */
export function holderKey(holder: Holder): string {
  let key = keys.get(holder);
  if (key === undefined) {
    key =
      holder.kind === "job"
        ? JSON.stringify(["job", holder.job])
        : JSON.stringify(["pod", holder.namespace, holder.pod, holder.container, holder.podUid]);
    keys.set(holder, key);
  }
  return key;
}

/** Reads the text of `holderKey`. @throws SyntaxError for other texts */
export function holderOfKey(key: string): Holder {
  const [kind, ...parts] = JSON.parse(key) as [Holder["kind"], ...(string | null)[]];
  const [namespace = null, pod = null, container = null, podUid = null] = parts;
  return kind === "job" ? { kind, job: namespace ?? "" } : { kind, namespace, pod, container, podUid };
}

const compare = (a: string | null, b: string | null): number =>
  a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1;

/** Orders pods by namespace, pod, container and uid, null first; jobs follow, by name. */
export function compareHolders(a: Holder, b: Holder): number {
  if (a.kind === "job") return b.kind === "job" ? compare(a.job, b.job) : 1;
  if (b.kind === "job") return -1;
  return (
    compare(a.namespace, b.namespace) ||
    compare(a.pod, b.pod) ||
    compare(a.container, b.container) ||
    compare(a.podUid, b.podUid)
  );
}

/** Returns the set of these holders. */
export function holderSetOf(holders: Iterable<Holder>): HolderSet {
  const sorted = [...holders].sort(compareHolders);
  return sorted.filter((holder, index) => index === 0 || compareHolders(sorted[index - 1] as Holder, holder) !== 0);
}
