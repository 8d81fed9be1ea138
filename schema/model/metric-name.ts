/** Finds the metric that a caller means: names and aliases in any case, with or without the prefix. */

import { canonicalMetric, isCatalogued, METRICS } from "./metric.ts";
import { METRIC_ALIASES } from "./metric-aliases.ts";
import { nearestNames } from "./nearest.ts";

const PREFIXES = ["dcgm_fi_dev_", "dcgm_fi_prof_", "dcgm_exp_", "dcgm_fi_", "dcgm_"];

/** Returns the name in lower case, as it is and without each of its prefixes. */
function formsOf(name: string): readonly string[] {
  const folded = name.toLowerCase();
  return [
    folded,
    ...PREFIXES.filter((prefix) => folded.startsWith(prefix)).map((prefix) => folded.slice(prefix.length)),
  ];
}

type Forms = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns the canonical names that each form may stand for. */
function indexOf(names: Iterable<string>): Forms {
  const forms = new Map<string, Set<string>>();
  for (const name of names) {
    const canonical = canonicalMetric(name);
    for (const form of formsOf(name)) {
      const meant = forms.get(form) ?? new Set();
      forms.set(form, meant.add(canonical));
    }
  }
  return forms;
}

const CATALOGUE: Forms = indexOf([...Object.keys(METRICS), ...Object.keys(METRIC_ALIASES)]);

export interface MetricNames {
  /** Canonical names of the metrics that the name stands for: one, several if it is ambiguous, or none. */
  meant(name: string): readonly string[];
  /** Up to three names that are most like this one. */
  nearest(name: string): readonly string[];
}

/** @param stored canonical names of metrics outside the catalogue */
export function createMetricNames(stored: readonly string[]): MetricNames {
  const known = new Set(stored);
  const forms = indexOf(stored);
  return {
    meant(name) {
      const canonical = canonicalMetric(name);
      if (isCatalogued(canonical) || known.has(canonical)) return [canonical];
      const form = name.toLowerCase();
      return [...new Set([...(CATALOGUE.get(form) ?? []), ...(forms.get(form) ?? [])])].sort();
    },
    nearest(name) {
      const [metric = ""] = name.split("{");
      return nearestNames(metric, new Set([...Object.keys(METRICS), ...stored]), formsOf);
    },
  };
}
