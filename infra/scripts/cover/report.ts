/** Writes the coverage report: a page per file, and totals by folder. */
import { readFile, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import type { CoverageMap } from "istanbul-lib-coverage";
import { createContext } from "istanbul-lib-report";
import reports from "istanbul-reports";

/** Writes `coverage/html/` with a page per file, and `coverage.html` as its index. */
export async function writePages(map: CoverageMap, root: string): Promise<void> {
  const dir = `${root}/coverage/html`;
  // execute() writes synchronously and reads each source at the path in the map.
  reports.create("html").execute(createContext({ dir, coverageMap: map, defaultSummarizer: "nested" }));
  const index = await readFile(`${dir}/index.html`, "utf8");
  await writeFile(`${root}/coverage.html`, index.replace("<head>", '<head><base href="coverage/html/">'));
}

interface Reached {
  readonly covered: number;
  readonly total: number;
}

const plus = (one: Reached, other: Reached): Reached => ({
  covered: one.covered + other.covered,
  total: one.total + other.total,
});
const NOTHING: Reached = { covered: 0, total: 0 };
const percent = ({ covered, total }: Reached): string =>
  `${(total === 0 ? 100 : (100 * covered) / total).toFixed(1)} %`.padStart(8);

/** Returns one line per folder and one with their sum. */
export function totalsOf(map: CoverageMap, root: string): string {
  const folders = new Map<string, { lines: Reached; functions: Reached }>();
  const add = (folder: string, lines: Reached, functions: Reached) => {
    const before = folders.get(folder) ?? { lines: NOTHING, functions: NOTHING };
    folders.set(folder, { lines: plus(before.lines, lines), functions: plus(before.functions, functions) });
  };
  for (const path of map.files().sort()) {
    const { lines, functions } = map.fileCoverageFor(path).toSummary();
    const [top = "", below = ""] = relative(root, path).split("/");
    add(below.includes(".") ? top : `${top}/${below}`, lines, functions);
  }
  for (const { lines, functions } of [...folders.values()]) add("all", lines, functions);
  const rows = [...folders].map(
    ([folder, { lines, functions }]) =>
      `${folder.padEnd(24)}${percent(lines)}  ${`${lines.covered}/${lines.total}`.padStart(13)}  ${percent(functions)}`,
  );
  return [`${"".padEnd(24)}   lines                functions`, ...rows].join("\n");
}
