/**
 * `bun run cover [FILE …]`: runs the tests with coverage, then writes coverage.html and prints totals. Coverage leaves
 * out the processes that tests start. Exits with the status of the tests.
 */
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readLcov } from "./lcov.ts";
import { totalsOf, writePages } from "./report.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
const isProduct = (path: string): boolean => /^(schema|services)\//.test(path);

await rm(`${root}/coverage`, { recursive: true, force: true });
const command = ["test", "--parallel=2", "--timeout=60000", "--coverage"];
const tests = Bun.spawn([process.execPath, ...command, ...process.argv.slice(2)], {
  cwd: root,
  stdio: ["inherit", "inherit", "inherit"],
});
const status = await tests.exited;
const map = readLcov(await readFile(`${root}/coverage/lcov.info`, "utf8"), root, isProduct);
await writePages(map, root);
console.log(`\n${totalsOf(map, root)}\n\ncoverage.html shows each line.`);
process.exit(status);
