/** Part of `just check`: prints every violation of the architecture rules, and exits with 1 when there is one. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Glob } from "bun";
import { Edges } from "./edges.ts";
import { edgeRules, RULES } from "./rules.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PATTERN = "{schema,services,infra,data,test}/**/*.{ts,js,sh,yaml,tpl}";

const paths = [...new Glob(PATTERN).scanSync(ROOT)].filter((path) => !/\/(node_modules|generated)\//.test(path)).sort();
const sources = await Promise.all(
  paths.map(async (path) => ({ path, text: await readFile(`${ROOT}${path}`, "utf8") })),
);
const rules = [...edgeRules(new Edges(await readFile(`${ROOT}services/LAYERS.md`, "utf8"))), ...RULES];
const violations = rules.flatMap((rule) =>
  rule.violations(sources).map((violation) => `${violation}  (rule: ${rule.name})`),
);
for (const violation of violations) console.error(violation);
console.error(`Checked ${sources.length} files against ${rules.length} architecture rules.`);
if (violations.length > 0) process.exitCode = 1;
