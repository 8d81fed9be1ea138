/** Label matchers: equality, or a regular expression that must match the whole value. */
import { RE2JS } from "re2js";
import { PromqlError } from "./errors.ts";

export type MatchOperator = "=" | "!=" | "=~" | "!~";

export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  /** Whether a label's value satisfies the matcher; pass the empty text for a label that is not there. */
  matches(value: string): boolean;
}

/** Longer expressions would take megabytes as compiled automata. */
const MAX_REGEX_LENGTH = 1000;

/** @throws PromqlError for an expression that RE2 does not accept, or that is too long */
export function compileRegex(pattern: string): RE2JS {
  if (pattern.length > MAX_REGEX_LENGTH) {
    const got = `got ${pattern.length.toLocaleString("en")}`;
    throw new PromqlError(`regular expression must have at most ${MAX_REGEX_LENGTH} characters, ${got}`, {
      kind: "invalid",
    });
  }
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PromqlError(reason, { kind: "invalid", cause: error });
  }
}

/** Values tested by one expression that are remembered: a label has few values, and series repeat them. */
const MAX_REMEMBERED = 10_000;

/** Most expressions of dashboards are a list of texts, or match anything; these need no automaton. */
function plainTest(pattern: string): ((value: string) => boolean) | null {
  if (pattern === ".*") return () => true;
  if (pattern === ".+") return (value) => value !== "";
  if (!/^[\w /:@%,;=~<>-]*(\|[\w /:@%,;=~<>-]*)*$/.test(pattern)) return null;
  const choices = new Set(pattern.split("|"));
  return (value) => choices.has(value);
}

function regexTest(pattern: string): (value: string) => boolean {
  const plain = pattern.length > MAX_REGEX_LENGTH ? null : plainTest(pattern);
  if (plain !== null) return plain;
  const compiled = compileRegex(pattern);
  const known = new Map<string, boolean>();
  return (value) => {
    const remembered = known.get(value);
    if (remembered !== undefined) return remembered;
    const matches = compiled.testExact(value);
    if (known.size < MAX_REMEMBERED) known.set(value, matches);
    return matches;
  };
}

/** @throws PromqlError for an expression that RE2 does not accept, or that is too long */
export function createMatcher(name: string, operator: MatchOperator, value: string): Matcher {
  const head = { name, operator, value };
  switch (operator) {
    case "=":
      return { ...head, matches: (candidate) => candidate === value };
    case "!=":
      return { ...head, matches: (candidate) => candidate !== value };
    case "=~":
      return { ...head, matches: regexTest(value) };
    case "!~": {
      const test = regexTest(value);
      return { ...head, matches: (candidate) => !test(candidate) };
    }
    default:
      return operator satisfies never;
  }
}
