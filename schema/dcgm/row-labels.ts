/** The labels of a row, wherever the row has them: in columns of their own or in `labels_raw`. */
import type { LabelClass } from "./label-classes.ts";
import type { LabelRules } from "./label-rules.ts";

/** A label that is empty counts as absent, as in Prometheus. */
export class RowLabels {
  readonly #columns: ReadonlyMap<string, string>;
  readonly #raw: ReadonlyMap<string, string>;
  readonly #rules: LabelRules;
  readonly #metric: string;

  /** @param metric canonical name */
  constructor(
    labels: { readonly columns: ReadonlyMap<string, string>; readonly raw: ReadonlyMap<string, string> },
    rules: LabelRules,
    metric: string,
  ) {
    this.#columns = labels.columns;
    this.#raw = labels.raw;
    this.#rules = rules;
    this.#metric = metric;
  }

  classOf(name: string): LabelClass {
    return this.#rules.classOf(name, this.#metric);
  }

  isExporter(name: string): boolean {
    return this.#rules.isExporter(name);
  }

  /** Returns the first of these labels that the row has in this class. Columns win over all labels of `labels_raw`. */
  first(of: LabelClass, ...names: readonly string[]): string | undefined {
    for (const labels of [this.#columns, this.#raw]) {
      for (const name of names) {
        const value = labels.get(name);
        if (value && this.classOf(name) === of) return value;
      }
    }
    return undefined;
  }

  /** Returns all labels of the class that are not empty; of a name in both places, the column's. */
  *of(labelClass: LabelClass): Generator<readonly [name: string, value: string]> {
    for (const [name, value] of this.#columns) if (value && this.classOf(name) === labelClass) yield [name, value];
    for (const [name, value] of this.#raw) {
      if (value && !this.#columns.get(name) && this.classOf(name) === labelClass) yield [name, value];
    }
  }

  /** Returns all labels that the row's meaning depends on, and those of `labels_raw` that it ignores. */
  *all(): Generator<readonly [name: string, value: string]> {
    for (const [name, value] of this.#columns) if (this.classOf(name) !== "ignored") yield [name, value];
    yield* this.#raw;
  }
}
