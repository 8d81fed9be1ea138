/** Label sets as Prometheus has them: sorted by name, without empty values. */

/** Names and values alternate, sorted by name; a value is never empty, a name comes once. */
export type Labels = readonly string[];

export const METRIC_NAME = "__name__";
export const BUCKET_LABEL = "le";
export const NO_LABELS: Labels = [];

/** What an operation that changes a metric's meaning removes. */
const METADATA = new Set([METRIC_NAME, "__type__", "__unit__"]);
export const isMetadata = (name: string): boolean => METADATA.has(name);

/** Half a surrogate pair: no decoded text contains it. */
const SEPARATOR = "\ud800";

/** Equal exactly for equal label sets. */
export const keyOf = (labels: Labels): string => labels.join(SEPARATOR);

export function labelsOf(entries: Iterable<readonly [string, string]>): Labels {
  const sorted = [...entries].filter(([, value]) => value !== "").sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.flat();
}

/** The value of a label, empty when it is not there. */
export function labelValue(labels: Labels, name: string): string {
  for (let at = 0; at < labels.length; at += 2) if (labels[at] === name) return labels[at + 1]!;
  return "";
}

export function filterLabels(labels: Labels, keep: (name: string) => boolean): Labels {
  let kept = 0;
  for (let at = 0; at < labels.length; at += 2) if (keep(labels[at]!)) kept += 2;
  if (kept === labels.length) return labels;
  const result: string[] = [];
  for (let at = 0; at < labels.length; at += 2) if (keep(labels[at]!)) result.push(labels[at]!, labels[at + 1]!);
  return result;
}

export const dropMetadata = (labels: Labels): Labels => filterLabels(labels, (name) => !METADATA.has(name));

/** Sets one label; an empty value removes it. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  const result: string[] = [];
  let isPlaced = value === "";
  for (let at = 0; at < labels.length; at += 2) {
    const other = labels[at]!;
    if (!isPlaced && name <= other) {
      result.push(name, value);
      isPlaced = true;
    }
    if (other !== name) result.push(other, labels[at + 1]!);
  }
  if (!isPlaced) result.push(name, value);
  return result;
}

/** The order of results: by the first name or value that differs, then the shorter one first. */
export function compareLabels(a: Labels, b: Labels): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    if (a[at] !== b[at]) return a[at]! < b[at]! ? -1 : 1;
  }
  return a.length - b.length;
}

/** `name{label="value"}` for messages. */
export function formatLabels(labels: Labels): string {
  const parts: string[] = [];
  for (let at = 0; at < labels.length; at += 2) parts.push(`${labels[at]}=${JSON.stringify(labels[at + 1])}`);
  return `{${parts.join(", ")}}`;
}

/** Computes the part of a label set that decides which series belong together. */
export function signatureOf(names: readonly string[], keep: boolean): (labels: Labels) => string {
  const listed = new Set(names);
  if (keep) {
    const sorted = [...listed].sort();
    return (labels) => {
      let signature = "";
      for (const name of sorted) signature += labelValue(labels, name) + SEPARATOR;
      return signature;
    };
  }
  return (labels) => {
    let signature = "";
    for (let at = 0; at < labels.length; at += 2) {
      const name = labels[at]!;
      if (!METADATA.has(name) && !listed.has(name)) signature += name + SEPARATOR + labels[at + 1] + SEPARATOR;
    }
    return signature;
  };
}
