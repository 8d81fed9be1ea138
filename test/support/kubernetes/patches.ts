/** Applies a PATCH to an object, by its content type. */
import type { Fields, KubeObject } from "./objects.ts";

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const nameOf = (item: unknown): unknown => (isFields(item) ? item.name : undefined);

/** Merges lists of named items by name, as Kubernetes does for containers, ports, volumes and variables. */
function mergeLists(before: unknown, patch: readonly unknown[]): unknown[] {
  if (!Array.isArray(before) || patch.some((item) => nameOf(item) === undefined)) return [...patch];
  const merged = [...before];
  for (const item of patch) {
    const at = merged.findIndex((held) => nameOf(held) === nameOf(item));
    if ((item as Fields).$patch === "delete") {
      if (at !== -1) merged.splice(at, 1);
    } else if (at === -1) merged.push(item);
    else merged[at] = merge(merged[at], item, mergeLists);
  }
  return merged;
}

type ListMerge = (before: unknown, patch: readonly unknown[]) => unknown[];

function merge(before: unknown, patch: unknown, lists: ListMerge): unknown {
  if (Array.isArray(patch)) return lists(before, patch);
  if (!isFields(patch)) return patch;
  const merged: Fields = isFields(before) ? { ...before } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$")) continue;
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value, lists);
  }
  return merged;
}

/**
 * Returns the patched object. An apply replaces the whole object: each has a single manager here, so fields that are no
 * longer applied are removed.
 *
 * @throws Error for a content type that none of our clients sends
 */
export function patched(before: KubeObject | undefined, contentType: string, patch: unknown): KubeObject {
  switch (contentType) {
    case "application/apply-patch+yaml":
      return patch as KubeObject;
    case "application/merge-patch+json":
      return merge(before, patch, (_, list) => [...list]) as KubeObject;
    case "application/strategic-merge-patch+json":
      return merge(before, patch, mergeLists) as KubeObject;
    default:
      throw new Error(`content type of a patch must be apply, merge or strategic-merge, got ${contentType}`);
  }
}
