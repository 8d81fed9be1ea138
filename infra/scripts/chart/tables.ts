/** Tables of the chart's README. */
import { type ChartValue, leaves } from "./values.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|");

const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |\n`;

const shown = (value: unknown): string => `\`${value === "" ? '""' : JSON.stringify(value).replaceAll('"', "")}\``;

/** Each value that can be set, as `helm --set` names it. */
export const printValues = (values: readonly ChartValue[]): string =>
  row("value", "default", "meaning") +
  row("---", "---", "---") +
  leaves(values)
    .map(({ path, value, description }) => row(`\`${path.join(".")}\``, shown(value), description))
    .join("");
