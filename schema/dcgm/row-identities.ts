/**
 * Says which GPU, series and holders rows are about. The rows of a GPU and its holder have the same labels for each of
 * its metrics, so what labels mean is remembered by their text, without the name of the metric.
 */
import { canonicalMetric, isDeviceMetric } from "../model/metric.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { seriesOf } from "../model/series.ts";
import { shown } from "../model/shown.ts";
import { type DcgmColumns, type LabelColumn, labelsInColumns } from "./columns.ts";
import { isOfOtherDevice } from "./device.ts";
import type { LabelRules } from "./label-rules.ts";
import { parseLabels } from "./labels.ts";
import { meaningOf, type RowFault, type RowIdentity, type RowLayout, type RowMeaning } from "./row.ts";
import { RowLabels } from "./row-labels.ts";

/** Remembered at most: meanings, and characters of their labels. Beyond either, all are forgotten. */
const MAX_MEANINGS = 16_384;
const MAX_CHARACTERS = 8_388_608;

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** What a metric contributes to the meaning of labels. Metrics of one kind give the same labels the same meaning. */
const KINDS = ["device", "other device", "any"] as const;
type MetricKind = (typeof KINDS)[number];

const kindOf = (metric: string): MetricKind =>
  isOfOtherDevice(metric) ? "other device" : isDeviceMetric(metric) ? "device" : "any";

/** The layout of rows as metrics of one kind see it. */
interface KindLayout {
  /** Columns whose labels are ignored, without those that have been named. */
  unnamed: readonly LabelColumn[];
  /** Columns whose labels are not ignored. */
  readonly columns: readonly LabelColumn[];
  /** True if a label `__name__` means nothing. */
  readonly isNameUnused: boolean;
}

/** Is called for each label that is ignored. */
export interface IgnoredTarget {
  ignored(label: string, metric: string): void;
}

/** Names of ignored labels that are remembered as named. Further ones are not named. */
const MAX_IGNORED = 1000;

export class RowIdentities {
  readonly columns: DcgmColumns;
  readonly #rules: LabelRules;
  readonly #kinds = new Map<MetricKind, KindLayout>();
  readonly #meanings = new Map<string, RowMeaning>();
  #characters = 0;
  readonly #ignored = new Set<string>();

  constructor({ columns, rules }: RowLayout) {
    this.columns = columns;
    this.#rules = rules;
  }

  /**
   * Returns the facts, the series and the holders of a row. `labels_raw` and columns are the same to it; of a label in
   * both places, the column's value counts unless it is empty. Aliases of metrics become canonical names.
   * @param target is called with each ignored label when a row is the first one to have it
   */
  of(fields: readonly string[], target?: IgnoredTarget): Result<RowIdentity, RowFault> {
    const { columns } = this;
    if (fields.length !== columns.names.length) {
      return fail({
        reason: "fields",
        detail: `row must have ${columns.names.length} fields, as the header has, got ${fields.length}`,
      });
    }
    const name = fields[columns.metric] ?? "";
    const metric = canonicalMetric(name);
    const kind = kindOf(metric);
    const layout = this.#kinds.get(kind) ?? this.#layoutFor(kind, metric);
    if (target !== undefined && layout.unnamed.length > 0) this.#nameColumns(layout, fields, metric, target);
    const isName = METRIC_NAME.test(name);
    const key = isName ? this.#key(layout, kind, name, fields) : "";
    let meaning = this.#meanings.get(key);
    if (meaning === undefined) {
      const parsed = this.#parse(layout, metric, fields, target);
      if (!isName && (parsed.ok || parsed.error.reason === "control")) {
        return fail({
          reason: "metric",
          detail: `metric name must be a name such as DCGM_FI_DEV_GPU_UTIL, got ${shown(name)}`,
        });
      }
      if (!parsed.ok) return parsed;
      meaning = parsed.value;
      this.#remember(key, meaning);
    }
    const { facts, holders, seriesLabels } = meaning;
    return ok({ facts, series: seriesOf(metric, seriesLabels), holders });
  }

  #layoutFor(kind: MetricKind, metric: string): KindLayout {
    const rules = this.#rules;
    const isIgnored = ([name]: LabelColumn) => rules.classOf(name, metric) === "ignored";
    const nameClass = rules.classOf("__name__", metric);
    const layout: KindLayout = {
      columns: this.columns.labelColumns.filter((column) => !isIgnored(column)),
      unnamed: this.columns.labelColumns.filter(isIgnored),
      isNameUnused: nameClass === "scrape" || nameClass === "description" || nameClass === "ignored",
    };
    this.#kinds.set(kind, layout);
    return layout;
  }

  /** Returns a text that rows have in common only if their labels mean the same for metrics of this kind. */
  #key({ columns, isNameUnused }: KindLayout, kind: MetricKind, name: string, fields: readonly string[]): string {
    let key: string = kind;
    // Lengths keep lists of values apart that would otherwise join to the same text.
    for (const [, column] of columns) {
      const value = fields[column] as string;
      key += `${value.length}:${value}`;
    }
    const raw = fields[this.columns.labels] ?? "";
    const label = `__name__="${name}"`;
    const at = isNameUnused ? raw.indexOf(label) : -1;
    if (at === -1 || (at > 0 && raw[at - 1] !== "," && raw[at - 1] !== " ")) return `${key}-${raw}`;
    return `${key}${at}:${raw.slice(0, at)}${raw.slice(at + label.length)}`;
  }

  #nameColumns(layout: KindLayout, fields: readonly string[], metric: string, target: IgnoredTarget): void {
    const isEmpty = ([, column]: LabelColumn) => !fields[column];
    if (layout.unnamed.every(isEmpty)) return;
    for (const column of layout.unnamed) if (!isEmpty(column)) this.#name(column[0], metric, target);
    layout.unnamed = layout.unnamed.filter(isEmpty);
  }

  #name(label: string, metric: string, target: IgnoredTarget): void {
    if (this.#ignored.size >= MAX_IGNORED || this.#ignored.has(label)) return;
    this.#ignored.add(label);
    target.ignored(label, metric);
  }

  #parse(
    layout: KindLayout,
    metric: string,
    fields: readonly string[],
    target: IgnoredTarget | undefined,
  ): Result<RowMeaning, RowFault> {
    const raw = parseLabels(fields[this.columns.labels] ?? "");
    if (!raw.ok) return fail({ reason: "labels", detail: raw.error });
    if (target !== undefined) {
      for (const [name, value] of raw.value) {
        if (value && this.#rules.classOf(name, metric) === "ignored") this.#name(name, metric, target);
      }
    }
    const labels = { columns: labelsInColumns(layout.columns, fields), raw: raw.value };
    return meaningOf(new RowLabels(labels, this.#rules, metric), metric, this.columns);
  }

  #remember(key: string, meaning: RowMeaning): void {
    if (this.#meanings.size >= MAX_MEANINGS || this.#characters + key.length > MAX_CHARACTERS) {
      this.#meanings.clear();
      this.#characters = 0;
    }
    this.#meanings.set(key, meaning);
    this.#characters += key.length;
  }
}
