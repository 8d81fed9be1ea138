/** Tells which metrics are taken: a whole Prometheus may send here, and most of what it has is not of GPUs. */
import { globMatcher } from "../../../schema/dcgm/label-rules.ts";
import { canonicalMetric, isCatalogued } from "../../../schema/model/metric.ts";

/** Names that are remembered; then all are forgotten. A large Prometheus has a few thousand. */
const MAX_REMEMBERED = 20_000;

const MAX_NAME = 256;

/** DCGM's fields, and the names that dcgm-exporter makes up. */
const GPU_METRIC = /^DCGM_/;

export class WantedNames {
  readonly #isWanted: (name: string) => boolean;
  readonly #known = new Map<string, boolean>();

  /** @param globs RECEIVE_METRICS; null: the catalogue, and every name that begins with DCGM_ */
  constructor(globs: readonly string[] | null) {
    if (globs === null) this.#isWanted = (name) => GPU_METRIC.test(name) || isCatalogued(canonicalMetric(name));
    else {
      const matchers = globs.map(globMatcher);
      this.#isWanted = (name) => matchers.some((matches) => matches(name));
    }
  }

  has(name: string): boolean {
    let isWanted = this.#known.get(name);
    if (isWanted === undefined) {
      if (name.length > MAX_NAME) return false;
      isWanted = this.#isWanted(name);
      if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
      this.#known.set(name, isWanted);
    }
    return isWanted;
  }
}
