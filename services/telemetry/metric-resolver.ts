/** Resolves the metric names of queries to canonical names. A name that stands for no metric is an error. */
import { parseMetrics, refuse } from "../../schema/model/arguments.ts";
import { AppError } from "../../schema/model/errors.ts";
import { canonicalMetric, isCatalogued } from "../../schema/model/metric.ts";
import { createMetricNames, type MetricNames } from "../../schema/model/metric-name.ts";
import { shown } from "../../schema/model/shown.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { NameRepository } from "../repository/port.ts";

/** Describes arguments that name metrics. */
export const METRICS_FORM =
  "Names or aliases, in any case and without `DCGM_FI_DEV_` where that is unambiguous; a metric covers all of its " +
  "series. A name of no metric is an error.";

/** How many stored metrics are known by name. In a store with more, every name is accepted. */
const STORED_MAX = 10_000;
/** How old the list of stored metrics may be when a name is refused. Bounds how often mistyped names ask the store. */
const STALE_MS = 10_000;
/** How old the list may be when it decides what another spelling stands for. */
const OLD_MS = 300_000;

/**
 * Returns canonical names without duplicates; undefined if no names are given: every metric.
 * @throws AppError `invalid` for a name of no metric, or of several; `unavailable` if only the store can tell
 */
export type ResolveMetrics = (names: readonly string[] | null | undefined) => Promise<readonly string[] | undefined>;

interface Known extends MetricNames {
  /** False if the store may have metrics that are not in the list. */
  readonly isComplete: boolean;
  /** Monotonic time. */
  readonly askedAt: number;
}

const CATALOGUE: Known = { ...createMetricNames([]), isComplete: true, askedAt: Number.NEGATIVE_INFINITY };

/** @returns the metric; undefined if the name stands for none */
function chosen(name: string, known: MetricNames): string | undefined {
  const [metric, ...others] = known.meant(name);
  if (metric === undefined || others.length === 0) return metric;
  return refuse("metrics", name, `unambiguous (${[metric, ...others].join(" or ")})`);
}

function unknown(name: string, known: MetricNames): AppError {
  const nearest = known.nearest(name);
  const hint = nearest.length === 0 ? "" : `; nearest: ${nearest.join(", ")}`;
  return new AppError(
    `metrics must be names of the catalogue or of metrics that have been stored, got ${shown(name)}${hint}`,
    { code: "invalid" },
  );
}

export function createMetricResolver(repository: NameRepository, clock: Clock): ResolveMetrics {
  let known = CATALOGUE;
  let asking: Promise<Known> | undefined;

  /** Concurrent requests share one call of the store, so no caller's signal ends it. */
  const ask = (): Promise<Known> => {
    asking ??= (async () => {
      try {
        const stored = await repository.names("metric", { limit: STORED_MAX });
        known = {
          ...createMetricNames(stored),
          isComplete: stored.length < STORED_MAX,
          askedAt: clock.monotonic(),
        };
        return known;
      } finally {
        asking = undefined;
      }
    })();
    return asking;
  };

  const resolve = async (name: string): Promise<string> => {
    const canonical = canonicalMetric(name);
    if (isCatalogued(canonical)) return canonical;
    const age = () => clock.monotonic() - known.askedAt;
    // Another spelling of a name in the catalogue may be the name of a stored metric.
    let found = age() < OLD_MS ? chosen(name, known) : undefined;
    if (found === undefined && age() >= STALE_MS) found = chosen(name, await ask());
    if (found !== undefined) return found;
    if (!known.isComplete) return name;
    throw unknown(name, known);
  };

  return async (names) => {
    const given = parseMetrics(names);
    if (given === undefined) return undefined;
    const metrics = new Set<string>();
    for (const name of given) metrics.add(await resolve(name));
    return [...metrics];
  };
}
