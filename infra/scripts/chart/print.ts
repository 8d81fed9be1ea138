/** Generates the files of the chart that follow from values.yaml. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { printSchema } from "./schema.ts";
import { printValues, printVariables } from "./tables.ts";
import { readValues } from "./values.ts";

/** Replaces the table between the two comments that name it. @throws Error if one is missing */
function filled(text: string, name: string, table: string): string {
  const [start, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`README.md must have the comments <!-- ${name} --> and <!-- end of ${name} -->`);
  return `${text.slice(0, from)}${start}\n${table}\n${text.slice(to)}`;
}

/** Returns file name → content. */
export async function printChart(folder: string): Promise<Readonly<Record<string, string>>> {
  const values = readValues(await readFile(join(folder, "values.yaml"), "utf8"));
  const readme = await readFile(join(folder, "README.md"), "utf8");
  return {
    "values.schema.json": printSchema(values),
    "README.md": filled(filled(readme, "values", printValues(values)), "variables", printVariables(values)),
  };
}
