/** The header that the rows are read by: the file's first line, or a line inside the file that begins a section. */
import { type DcgmColumns, mayBeDcgmHeader, parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import type { RowLayout } from "../../../schema/dcgm/row.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";

export class Section {
  identities: RowIdentities;
  readonly #rules: LabelRules;
  /** Where its header begins; undefined: it is that of the file. */
  #offset: number | undefined;

  constructor(layout: RowLayout, offset: number | undefined) {
    this.identities = new RowIdentities(layout);
    this.#rules = layout.rules;
    this.#offset = offset;
  }

  get columns(): DcgmColumns {
    return this.identities.columns;
  }

  get isTimeFirst(): boolean {
    return this.columns.timestamp < this.columns.value;
  }

  /** What a reader that continues must know. */
  get context(): { readonly section?: number } {
    return this.#offset === undefined ? {} : { section: this.#offset };
  }

  /** Number of fields up to the later of time and value. */
  get needed(): number {
    return Math.max(this.columns.timestamp, this.columns.value) + 1;
  }

  /** Takes over the columns of a line that is a header: the same ones, or others. Null: the line is a row. */
  begin(fields: readonly string[], offset: number): "same" | "other" | null {
    const columns = mayBeDcgmHeader(fields) ? parseDcgmHeader(fields) : undefined;
    if (!columns?.ok) return null;
    this.#offset = offset;
    if (columns.value.names.join("\n") === this.columns.names.join("\n")) return "same";
    this.identities = new RowIdentities({ columns: columns.value, rules: this.#rules });
    return "other";
  }
}
