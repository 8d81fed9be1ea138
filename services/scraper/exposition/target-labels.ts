/** Joins the labels of a sample with those of its target. */

/** Labels of Kubernetes that name who holds the GPU in a sample, and the exporter in a target. */
const HOLDER_LABELS = ["namespace", "pod", "container"] as const;
const isHolderLabel = (name: string): boolean => (HOLDER_LABELS as readonly string[]).includes(name);

/**
 * Returns the labels as Prometheus would store them (`honor_labels: false`): where both have a label, the sample's
 * becomes `exported_…`. The known target holds no GPU, so its pod, container and namespace are left out, and so are
 * those of a sample that name the target itself.
 */
export function withTargetLabels(
  sample: ReadonlyMap<string, string>,
  target: ReadonlyMap<string, string>,
): Map<string, string> {
  const hasHolder = HOLDER_LABELS.some((name) => target.has(name));
  const namesTarget = hasHolder && isTarget(sample, target);
  const joined = new Map<string, string>();
  for (const [name, value] of target) if (!isHolderLabel(name)) joined.set(name, value);
  for (const [name, value] of sample) {
    if (hasHolder && isHolderLabel(name)) {
      if (!namesTarget) joined.set(`exported_${name}`, value);
    } else if (target.has(name)) joined.set(exportedName(name, sample, target), value);
    else joined.set(name, value);
  }
  return joined;
}

/** True if the sample names the target's pod, or its container where the sample names no pod. */
function isTarget(sample: ReadonlyMap<string, string>, target: ReadonlyMap<string, string>): boolean {
  const agrees = (name: string) => !sample.get(name) || !target.has(name) || sample.get(name) === target.get(name);
  const names = (name: string) => target.has(name) && sample.get(name) === target.get(name);
  const namesPod = sample.get("pod") ? names("pod") : names("container");
  return namesPod && agrees("namespace");
}

/** Prometheus repeats the prefix until no other label has the name. */
function exportedName(name: string, sample: ReadonlyMap<string, string>, target: ReadonlyMap<string, string>): string {
  let exported = `exported_${name}`;
  while (sample.has(exported) || target.has(exported)) exported = `exported_${exported}`;
  return exported;
}
