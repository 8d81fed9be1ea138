/** Rows of a table as text: CSV (RFC 4180) and newline-delimited JSON. */

export const JSON_MEDIA = "application/json";
export const CSV_MEDIA = "text/csv";
export const NDJSON_MEDIA = "application/x-ndjson";
export type TableMedia = typeof CSV_MEDIA | typeof NDJSON_MEDIA;
export type Media = typeof JSON_MEDIA | TableMedia;

export type Row = Readonly<Record<string, unknown>>;

export interface TableFormat {
  /** Content-Type. */
  readonly type: string;
  /** What comes before the rows. */
  head(columns: readonly string[]): string;
  /** Each row's columns in their order; a row may have others, which are left out. */
  rows(rows: readonly Row[], columns: readonly string[]): string;
}

/** Also `=…` stays what it is: programs read this, and what is put before it for a spreadsheet they would take for data. */
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const csvLine = (values: readonly unknown[]): string =>
  `${values.map((value) => (value === null || value === undefined ? "" : quoted(String(value)))).join(",")}\r\n`;

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
