/** The annotated values of the chart: what stands in values.yaml, and what the comment above each says of it. */
import { isMap, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from "yaml";

export interface ChartValue {
  readonly path: readonly string[];
  readonly value: unknown;
  /** After `# --`; empty: it says enough by its name. */
  readonly description: string;
  /** After `# @schema`: what the schema says beyond the type of the value; null: nothing. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  /** Of a group whose members are described one by one; null: it is a value. */
  readonly members: readonly ChartValue[] | null;
}

interface Comment {
  readonly description: string;
  readonly schema: ChartValue["schema"];
}

/** The comment lines right above a line, down to the first that is none. */
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

/** @throws Error when the text is no YAML, or a comment's schema no JSON */
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
      // What has a schema of its own is one value, whatever its default holds.
      const isGroup = isMap(node) && !node.flow && node.items.length > 0 && schema === null;
      const value = (node as { toJSON(): unknown }).toJSON();
      return { path, value, description, schema, members: isGroup ? membersOf(node, path) : null };
    });

  if (!isMap(document.contents)) throw new Error("values.yaml is not a map");
  return membersOf(document.contents, []);
}

/** Values without the groups around them, in the order of the file. */
export const leaves = (values: readonly ChartValue[]): readonly ChartValue[] =>
  values.flatMap((value) => (value.members === null ? [value] : leaves(value.members)));
