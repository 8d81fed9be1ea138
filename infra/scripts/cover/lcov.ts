/** Reads the coverage report of `bun test`: a count per line, and only totals of functions. */
import coverage, { type CoverageMap, type Range } from "istanbul-lib-coverage";

const END = Number.MAX_SAFE_INTEGER;
const line = (number: number): Range => ({ start: { line: number, column: 0 }, end: { line: number, column: END } });
const numberOf = (record: string, name: string): number =>
  Number(new RegExp(`^${name}:(\\d+)`, "m").exec(record)?.[1] ?? 0);

/**
 * @param root folder to which the paths in the report are relative
 * @param counts whether to include a path
 */
export function readLcov(text: string, root: string, counts: (path: string) => boolean): CoverageMap {
  const map = coverage.createCoverageMap({});
  for (const record of text.split("end_of_record")) {
    const path = /^SF:(.+)$/m.exec(record)?.[1];
    if (path === undefined || !counts(path)) continue;
    const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, number, hits]) => [Number(number), Number(hits)]);
    const functions = Array.from({ length: numberOf(record, "FNF") }, (_, index) => index);
    const hit = numberOf(record, "FNH");
    const place = { name: "", decl: line(1), loc: line(1), line: 1 };
    map.addFileCoverage({
      path: `${root}/${path}`,
      statementMap: Object.fromEntries(lines.map(([number]) => [number, line(number as number)])),
      s: Object.fromEntries(lines),
      fnMap: Object.fromEntries(functions.map((index) => [index, place])),
      f: Object.fromEntries(functions.map((index) => [index, index < hit ? 1 : 0])),
      branchMap: {},
      b: {},
    });
  }
  return map;
}
