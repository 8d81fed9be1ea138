/** Remembers what the labels of series mean, by the bytes in which senders repeat them with every sample. */
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import { LabelledSeries } from "../../../schema/dcgm/labelled-series.ts";
import type { RowFault, RowIdentity } from "../../../schema/dcgm/row.ts";
import type { IgnoredTarget } from "../../../schema/dcgm/row-identities.ts";
import { type MetricRange, rangeOf } from "../../../schema/model/metric-range.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { checkLabels, type LabelList } from "./label-list.ts";
import { type Replica, replicaOf } from "./replica.ts";
import { WantedNames } from "./wanted-names.ts";

/** Remembered at most: series, and characters of their labels. Beyond either, all are forgotten, and parsed again. */
const MAX_SERIES = 200_000;
const MAX_CHARACTERS = 128 * 1024 * 1024;

/** Why a sample gives no reading. */
export type SkipReason =
  | RowFault["reason"]
  | "implausible"
  | "name"
  | "replica"
  | "histogram"
  | "exemplar"
  | "temporality";

/** Samples left out on purpose: nothing is wrong with them, so the sender is told that they have arrived. */
const ON_PURPOSE: ReadonlySet<SkipReason> = new Set(["name", "replica", "other_device"]);
export const isOnPurpose = (reason: SkipReason): boolean => ON_PURPOSE.has(reason);

/** - `invalid`: the series breaks the protocol, and the answer says so */
export type KnownSeries =
  | {
      readonly kind: "reading";
      readonly identity: RowIdentity;
      readonly range: MetricRange;
      readonly replica: Replica | null;
    }
  | { readonly kind: "skip"; readonly reason: SkipReason; readonly detail: string }
  | { readonly kind: "invalid"; readonly detail: string };

const UNWANTED: KnownSeries = { kind: "skip", reason: "name", detail: "its name is no metric of a GPU" };
const NAMELESS: KnownSeries = { kind: "invalid", detail: "series must have a label __name__, got none" };

export interface KnownSeriesOptions {
  readonly rules: LabelRules;
  /** RECEIVE_METRICS */
  readonly names: readonly string[] | null;
  readonly target: IgnoredTarget;
}

export class KnownSeriesCache {
  readonly #names: WantedNames;
  readonly #meanings: LabelledSeries;
  readonly #known = new Map<string, KnownSeries>();
  #characters = 0;

  constructor({ rules, names, target }: KnownSeriesOptions) {
    this.#names = new WantedNames(names);
    this.#meanings = new LabelledSeries(rules, target);
  }

  get size(): number {
    return this.#known.size;
  }

  /**
   * @param name value of the label `__name__`
   * @param keyOf returns a text that only series with the same labels have
   */
  get(name: string | undefined, keyOf: () => string, labelsOf: () => LabelList): KnownSeries {
    if (!name) return NAMELESS;
    if (!this.#names.has(name)) return UNWANTED;
    const key = keyOf();
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#learn(name, labelsOf());
      if (this.#known.size >= MAX_SERIES || this.#characters + key.length > MAX_CHARACTERS) {
        this.#known.clear();
        this.#characters = 0;
      }
      this.#known.set(key, known);
      this.#characters += key.length;
    }
    return known;
  }

  #learn(name: string, given: LabelList): KnownSeries {
    const labels = checkLabels(given);
    if (!labels.ok) {
      const { kind, detail } = labels.error;
      return kind === "invalid" ? { kind, detail } : { kind: "skip", reason: kind, detail };
    }
    const identity = this.#meanings.of(name, labels.value);
    if (!identity.ok) return { kind: "skip", ...identity.error };
    const range = rangeOf(metricOf(identity.value.series));
    return { kind: "reading", identity: identity.value, range, replica: replicaOf(labels.value) };
  }
}
