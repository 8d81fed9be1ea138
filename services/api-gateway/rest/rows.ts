/** Writes rows of a table as CSV (RFC 4180) or newline-delimited JSON. */

export const JSON_MEDIA = "application/json";
export const CSV_MEDIA = "text/csv";
export const NDJSON_MEDIA = "application/x-ndjson";
export type TableMedia = typeof CSV_MEDIA | typeof NDJSON_MEDIA;
export type Media = typeof JSON_MEDIA | TableMedia;

export type Row = Readonly<Record<string, unknown>>;

export interface TableFormat {
  /** Value of `Content-Type`. */
  readonly type: string;
  /** Returns the text before the first row. */
  head(columns: readonly string[]): string;
  /** Writes the given columns of each row, in their order, and skips other fields of the row. */
  rows(rows: readonly Row[], columns: readonly string[]): string;
}

/**
 * Quotes text where CSV requires it. Text like `=1+1` is written unchanged: a prefix that keeps spreadsheets from
 * evaluating it would change the value for the programs that read the file.
 */
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * Writes a list in one cell: items are separated by semicolons, and the parts of an item that are not null by slashes.
 */
const cellOf = (value: unknown): string => {
  if (value === null || value === undefined) return "";
  if (!Array.isArray(value)) return String(value);
  return value
    .map((item: Row) =>
      Object.values(item)
        .filter((part) => part !== null)
        .join("/"),
    )
    .join(";");
};
const csvLine = (values: readonly unknown[]): string => `${values.map((value) => quoted(cellOf(value))).join(",")}\r\n`;

export const TABLE_FORMATS: Readonly<Record<TableMedia, TableFormat>> = {
  [CSV_MEDIA]: {
    type: `${CSV_MEDIA}; charset=utf-8; header=present`,
    head: csvLine,
    rows: (rows, columns) => rows.map((row) => csvLine(columns.map((column) => row[column]))).join(""),
  },
  [NDJSON_MEDIA]: {
    type: NDJSON_MEDIA,
    head: () => "",
    rows: (rows, columns) =>
      rows
        .map((row) => `${JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column]])))}\n`)
        .join(""),
  },
};
