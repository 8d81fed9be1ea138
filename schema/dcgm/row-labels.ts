/** The labels of a row, wherever the row has them: in columns of their own or in `labels_raw`. */
import type { LabelClass } from "./label-classes.ts";
import type { LabelRules } from "./label-rules.ts";

/** A label that is empty counts as absent, as in Prometheus. */
export class RowLabels {
  readonly #columns: ReadonlyMap<string, string>;
  readonly #raw: ReadonlyMap<string, string>;
  readonly #rules: LabelRules;
  readonly #metric: string;

  /**
   * @param labels those of columns without empty and ignored ones, and all of `labels_raw`
   * @param metric canonical name
   */
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
  of(labelClass: LabelClass): (readonly [name: string, value: string])[] {
    const found: (readonly [string, string])[] = [];
    for (const [name, value] of this.#columns) if (this.classOf(name) === labelClass) found.push([name, value]);
    for (const [name, value] of this.#raw) {
      if (value && !this.#columns.has(name) && this.classOf(name) === labelClass) found.push([name, value]);
    }
    return found;
  }

  /** Returns the first label with a value that is not accepted; undefined if there is none. */
  find(isAccepted: (value: string) => boolean): readonly [name: string, value: string] | undefined {
    for (const label of this.#columns) if (!isAccepted(label[1])) return label;
    for (const label of this.#raw) if (!isAccepted(label[1])) return label;
    return undefined;
  }
}
