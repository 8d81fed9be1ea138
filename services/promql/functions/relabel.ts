/** label_replace and label_join. */

import { failed, PromqlError } from "../errors.ts";
import { type Labels, labelValue, withLabel } from "../labels.ts";
import { compileRegex } from "../matcher.ts";
import type { StringLiteral } from "../parse/ast.ts";

/** Every text but the empty one is a label's name. */
function labelName(literal: StringLiteral, role: string, call: string): string {
  if (literal.value === "" || !literal.isText) {
    throw failed(`invalid ${role} label name in ${call}(): ${literal.isText ? literal.value : literal.text}`);
  }
  return literal.value;
}

/** Fills in `$1`, `${1}`, `$name` and `$$`, as Go's regexp does; an unknown group is empty. */
function expand(template: string, group: (name: string) => string): string {
  return template.replace(/\$(?:(\$)|(\w+)|\{(\w+)\})/g, (_, dollar?: string, bare?: string, braced?: string) =>
    dollar === undefined ? group(bare ?? braced ?? "") : "$",
  );
}

type Relabel = (labels: Labels) => Labels;

/** The arguments behind the vector: destination, replacement, source, expression. */
export function labelReplace(literals: readonly StringLiteral[]): { relabel: Relabel; destination: string } {
  const [destination, replacement, source, pattern] = literals as [
    StringLiteral,
    StringLiteral,
    StringLiteral,
    StringLiteral,
  ];
  let regex: ReturnType<typeof compileRegex>;
  try {
    regex = compileRegex(pattern.value);
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    const reason = `invalid regular expression in label_replace(): ${pattern.value}`;
    throw new PromqlError(`${reason}: ${error.message}`, { kind: "execution", cause: error });
  }
  const name = labelName(destination, "destination", "label_replace");
  const known = new Map<string, string | null>();
  const replaced = (value: string): string | null => {
    const matcher = regex.matcher(value);
    if (!matcher.matches()) return null;
    return expand(replacement.value, (group) => {
      if (/^\d+$/.test(group)) return Number(group) <= matcher.groupCount() ? (matcher.group(Number(group)) ?? "") : "";
      return Object.hasOwn(matcher.namedGroups, group) ? (matcher.group(group) ?? "") : "";
    });
  };
  const relabel = (labels: Labels): Labels => {
    const value = labelValue(labels, source.value);
    let result = known.get(value);
    if (result === undefined) {
      result = replaced(value);
      known.set(value, result);
    }
    return result === null ? labels : withLabel(labels, name, result);
  };
  return { relabel, destination: name };
}

/** The arguments behind the vector: destination, separator, sources. */
export function labelJoin(literals: readonly StringLiteral[]): { relabel: Relabel; destination: string } {
  const [destination, separator, ...sources] = literals as [StringLiteral, StringLiteral, ...StringLiteral[]];
  const names = sources.map((source) => labelName(source, "source", "label_join"));
  const name = labelName(destination, "destination", "label_join");
  const relabel = (labels: Labels): Labels =>
    withLabel(labels, name, names.map((source) => labelValue(labels, source)).join(separator.value));
  return { relabel, destination: name };
}
