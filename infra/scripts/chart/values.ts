/** Reads values.yaml of the chart: each value with the description and schema in the comment above it. */
import { isMap, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from "yaml";

export interface ChartValue {
  readonly path: readonly string[];
  readonly value: unknown;
  /** Text after `# --`; empty if the name says enough. */
  readonly description: string;
  /** JSON after `# @schema`, which adds to the type of the value; null if there is none. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  /** The members of a group; null for a value. */
  readonly members: readonly ChartValue[] | null;
}

interface Comment {
  readonly description: string;
  readonly schema: ChartValue["schema"];
}

/** Reads the comment lines directly above a line. */
function commentAbove(lines: readonly string[], line: number): Comment {
  const found: string[] = [];
  for (let at = line - 1; at >= 0; at--) {
    const comment = /^\s*# ?(.*)$/.exec(lines[at] ?? "")?.[1];
    if (comment === undefined) break;
    found.unshift(comment);
  }
  const schema = found.find((comment) => comment.startsWith("@schema "))?.slice("@schema ".length);
  const description = found.filter((comment) => !comment.startsWith("@schema "));
  const first = description.findIndex((comment) => comment.startsWith("-- "));
  return {
    description: first < 0 ? "" : description.slice(first).join(" ").slice("-- ".length),
    schema: schema === undefined ? null : (JSON.parse(schema) as Record<string, unknown>),
  };
}

const keyOf = ({ key }: Pair): string => String(isScalar(key) ? key.value : key);

/** @throws Error if the text is not a YAML map, or the schema of a comment is not JSON */
export function readValues(text: string): readonly ChartValue[] {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  if (document.errors[0] !== undefined) throw document.errors[0];
  const lines = text.split("\n");

  const membersOf = (map: YAMLMap, above: readonly string[]): ChartValue[] =>
    map.items.map((pair) => {
      const offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
      const { description, schema } = commentAbove(lines, counter.linePos(offset).line - 1);
      const path = [...above, keyOf(pair)];
      const node = pair.value;
      // A map with a schema of its own is one value, even if its default has members.
      const isGroup = isMap(node) && !node.flow && node.items.length > 0 && schema === null;
      const value = (node as { toJSON(): unknown }).toJSON();
      return { path, value, description, schema, members: isGroup ? membersOf(node, path) : null };
    });

  if (!isMap(document.contents)) throw new Error("values.yaml must be a map");
  return membersOf(document.contents, []);
}

/** Returns the values of all groups, in the order of the file. */
export const leaves = (values: readonly ChartValue[]): readonly ChartValue[] =>
  values.flatMap((value) => (value.members === null ? [value] : leaves(value.members)));
