/** Reads the fleet's CSV in any of its layouts, independently of the product and of the code that writes it. */

export interface FleetRow {
  /** ms since the epoch. */
  readonly at: number;
  readonly metric: string;
  readonly value: number;
  /** All labels but the metric's name. Labels without a value are left out. */
  readonly labels: ReadonlyMap<string, string>;
}

const parseRaw = (text: string): [string, string][] =>
  [...text.matchAll(/(\w+)="([^"]*)"(?:,|$)/g)].map(([, name, value]) => [name!, value!]);

/** @param pieces of the file, as the generator yields them */
export function fleetRows(pieces: Iterable<string>): FleetRow[] {
  const [header = "", ...lines] = [...pieces].join("").split("\n");
  if (lines.pop() !== "") throw new Error("The file must end with a line end");
  const columns = header.split(",");
  return lines.map((line) => {
    if (!line.startsWith('"') || !line.endsWith('"')) throw new Error(`Every field must be quoted: ${line}`);
    const fields = line
      .slice(1, -1)
      .split('","')
      .map((field) => field.replaceAll('""', '"'));
    if (fields.length !== columns.length)
      throw new Error(`${fields.length} fields instead of ${columns.length}: ${line}`);
    const byColumn = new Map(columns.map((column, place) => [column, fields[place] ?? ""]));
    const labels = new Map(
      byColumn.has("labels_raw")
        ? parseRaw(byColumn.get("labels_raw")!)
        : [...byColumn].filter(([name, value]) => value !== "" && name !== "timestamp" && name !== "value"),
    );
    const metric = labels.get("__name__")!;
    labels.delete("__name__");
    return { at: Date.parse(byColumn.get("timestamp")!), metric, value: Number(byColumn.get("value")), labels };
  });
}
