/** The header that the rows are read by: the file's first line, or a line inside the file that begins a section. */
import { mayBeDcgmHeader, parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import type { RowLayout } from "../../../schema/dcgm/row.ts";

export class Section {
  layout: RowLayout;
  /** Where its header begins; undefined: it is that of the file. */
  #offset: number | undefined;

  constructor(layout: RowLayout, offset: number | undefined) {
    this.layout = layout;
    this.#offset = offset;
  }

  get isTimeFirst(): boolean {
    return this.layout.columns.timestamp < this.layout.columns.value;
  }

  /** What a reader that continues must know. */
  get context(): { readonly section?: number } {
    return this.#offset === undefined ? {} : { section: this.#offset };
  }

  /** Number of fields up to the later of time and value. */
  get needed(): number {
    return Math.max(this.layout.columns.timestamp, this.layout.columns.value) + 1;
  }

  /** Takes over the columns of a line that is a header: the same ones, or others. Null: the line is a row. */
  begin(fields: readonly string[], offset: number): "same" | "other" | null {
    const columns = mayBeDcgmHeader(fields) ? parseDcgmHeader(fields) : undefined;
    if (!columns?.ok) return null;
    this.#offset = offset;
    if (columns.value.names.join("\n") === this.layout.columns.names.join("\n")) return "same";
    this.layout = { ...this.layout, columns: columns.value };
    return "other";
  }
}
