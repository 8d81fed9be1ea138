/** Formats figures as text. */

export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("   ");
  return `${rows.map(line).join("\n")}\n`;
}

export const count = (value: number): string => Math.round(value).toLocaleString("en-US");
export const decimal = (value: number, digits = 2): string => value.toFixed(digits);
export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
