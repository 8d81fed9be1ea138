/** How the rows of a CSV file are written. */
import type { RowLayout } from "../../../schema/dcgm/row.ts";
import type { RowForms } from "../rows/row-delivery.ts";
import type { Separator } from "./line-fields.ts";

export interface CsvForms extends RowForms {
  readonly layout: RowLayout;
  readonly separator: Separator;
}
