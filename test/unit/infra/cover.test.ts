import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readLcov } from "../../../infra/scripts/cover/lcov.ts";
import { totalsOf, writePages } from "../../../infra/scripts/cover/report.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";

const LCOV = `TN:
SF:schema/model/gpu.ts
FNF:2
FNH:1
DA:1,3
DA:2,0
LF:2
LH:1
end_of_record
TN:
SF:services/queue/port.ts
FNF:0
FNH:0
DA:1,1
LF:1
LH:1
end_of_record
TN:
SF:test/support/api/fleet.ts
FNF:1
FNH:1
DA:1,1
end_of_record
`;

test("the coverage report has totals by folder, and coverage.html links to every file", async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  for (const [path, text] of [
    ["schema/model/gpu.ts", "export const reached = 1;\nexport const missed = () => 2;\n"],
    ["services/queue/port.ts", "export const port = 1;\n"],
  ] as const) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const map = readLcov(LCOV, root, (path) => !path.startsWith("test/"));
  expect(totalsOf(map, root).replace(/ +/g, " ").split("\n")).toEqual([
    " lines functions",
    "schema/model 50.0 % 1/2 50.0 %",
    "services/queue 100.0 % 1/1 100.0 %",
    "all 66.7 % 2/3 50.0 %",
  ]);
  await writePages(map, root);
  const page = await Bun.file(join(root, "coverage.html")).text();
  expect(page).toContain('<base href="coverage/html/">');
  const links = [...page.matchAll(/href="([^"]+\.html)"/g)].map(([, path]) => path ?? "");
  expect(links).toContain("schema/model/index.html");
  const source = await Bun.file(join(root, "coverage/html/schema/model/gpu.ts.html")).text();
  expect(source).toContain("missed");
  expect(source).toContain("cstat-no");
});
