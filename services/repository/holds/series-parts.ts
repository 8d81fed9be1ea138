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
