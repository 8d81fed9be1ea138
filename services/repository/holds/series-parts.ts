/** Takes a series' name apart: its MIG instance, its replica, and what remains. */
import type { Series } from "../../../schema/model/reading.ts";

export interface SeriesParts {
  /** `GPU_I_ID`; null: the series is of the card. */
  readonly instance: string | null;
  /** `vgpu`, the replica of a shared GPU; empty without one. */
  readonly vgpu: string;
  /** The name without `vgpu`. A series without replicas and the replicas of a shared GPU have it in common. */
  readonly merged: string;
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

export function seriesParts(series: Series): SeriesParts {
  const brace = series.indexOf("{");
  if (brace === -1) return { instance: null, vgpu: "", merged: series };
  let instance: string | null = null;
  let vgpu = "";
  const kept: string[] = [];
  for (const [text, name, value = ""] of series.slice(brace).matchAll(LABEL)) {
    if (name === "GPU_I_ID") instance = value;
    if (name === "vgpu") vgpu = value;
    else kept.push(text);
  }
  const metric = series.slice(0, brace);
  return { instance, vgpu, merged: kept.length === 0 ? metric : `${metric}{${kept.join()}}` };
}

/** What the names of a list of series say. */
export interface ListParts {
  /** `GPU_I_ID` of each series. */
  readonly instances: readonly (string | null)[];
  /** Names without `vgpu`. */
  readonly merged: ReadonlySet<string>;
  /** Whether some series are replicas of each other, whose holders are united. */
  readonly hasReplicas: boolean;
}

/** Buckets share their lists, so each list is taken apart once. */
const lists = new WeakMap<readonly Series[], ListParts>();

export function partsOfList(series: readonly Series[]): ListParts {
  let known = lists.get(series);
  if (known === undefined) {
    const parts = series.map(seriesParts);
    known = {
      instances: parts.map(({ instance }) => instance),
      merged: new Set(parts.map(({ merged }) => merged)),
      hasReplicas: parts.some(({ vgpu }) => vgpu !== ""),
    };
    lists.set(series, known);
  }
  return known;
}
