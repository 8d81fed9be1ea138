/** Which rows of two sides belong together. */
import { type Labels, signatureOf } from "../labels.ts";
import type { Matching } from "../parse/ast.ts";

/** Of each row of both sides, the number of its signature. */
export interface Pairing {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly count: number;
}

export function pairRows(matching: Matching, left: readonly Labels[], right: readonly Labels[]): Pairing {
  const signature = signatureOf(matching.labels, matching.on);
  const numbers = new Map<string, number>();
  const number = (labels: Labels): number => {
    const text = signature(labels);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, numbers.size);
    return numbers.size - 1;
  };
  const numberAll = (rows: readonly Labels[]): Int32Array => Int32Array.from(rows, number);
  return { left: numberAll(left), right: numberAll(right), count: numbers.size };
}

/** The rows of each signature. */
export function groupRows(numbers: Int32Array, count: number): number[][] {
  const groups: number[][] = Array.from({ length: count }, () => []);
  numbers.forEach((number, row) => {
    groups[number]!.push(row);
  });
  return groups;
}
