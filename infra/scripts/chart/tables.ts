/** Generates the tables of the chart's README. */
import { type ChartValue, leaves } from "./values.ts";
import { type ChartVariable, VARIABLES } from "./variables.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|");

const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |\n`;

const shown = (value: unknown): string => `\`${value === "" ? '""' : JSON.stringify(value).replaceAll('"', "")}\``;

/** One row per value, named as in `helm --set`. */
export const printValues = (values: readonly ChartValue[]): string =>
  row("value", "default", "meaning") +
  row("---", "---", "---") +
  leaves(values)
    .map(({ path, value, description }) => row(`\`${path.join(".")}\``, shown(value), description))
    .join("");

const isNothing = (value: unknown): boolean => value === null || String(value) === "";

function variableRow(
  values: readonly ChartValue[],
  { name, services, values: paths, otherwise }: ChartVariable,
): string {
  const [first] = paths;
  const found = leaves(values).find(({ path }) => path.join(".") === first);
  if (first !== undefined && found === undefined) throw new Error(`${name}: ${first} must be a value of values.yaml`);
  const where = services.length === 6 ? "all" : services.map((service) => `\`${service}\``).join(", ");
  const from = paths.map((path) => `\`${path}\``).join(" or ");
  return row(`\`${name}\``, where, from || "–", otherwise ?? (isNothing(found?.value) ? "–" : shown(found?.value)));
}

/** One row per environment variable: the services that get it, the value it is set from, and the default. */
export const printVariables = (values: readonly ChartValue[]): string =>
  row("variable", "read by", "value", "default") +
  row("---", "---", "---", "---") +
  VARIABLES.map((variable) => variableRow(values, variable)).join("");
