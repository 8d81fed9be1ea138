/** Every command in the documents works as printed there. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "yaml";
import packageJson from "../../../package.json" with { type: "json" };
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { ask, type GpuList, startAllInOne } from "../../support/programs/all-in-one.ts";
import { addressOf, type Program, ROOT, startProgram } from "../../support/programs/process.ts";
import {
  asksOnly,
  brokenLinks,
  DOCUMENTS,
  inlineCommands,
  missingFiles,
  readDocument,
  shellBlocks,
} from "../../support/project/documents.ts";
import { eventually } from "../../support/time/eventually.ts";

interface Workload {
  readonly template?: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } };
}

const ADMIN_TOKEN = "an-admin-token";
const texts = DOCUMENTS.map((name) => ({ name, text: readDocument(name) }));

describe("a command of the documents", () => {
  let program: Program;
  let address: string;
  let gpu = "";
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    program = startAllInOne({ SQLITE_PATH: join(folder.path, "store.sqlite"), ADMIN_TOKEN });
    address = await addressOf(program);
    await eventually(
      async () => {
        const { gpus } = await ask<GpuList>(`${address}/api/v1/gpus`);
        gpu = gpus[0]?.uuid ?? "";
        return gpus.length === 24;
      },
      { what: "the whole sample fleet is listed" },
    );
  });
  afterAll(async () => {
    await program[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const scripts = texts.flatMap(({ name, text }) =>
    [...shellBlocks(text).filter(asksOnly), ...inlineCommands(text, "curl").filter(asksOnly)].map(
      (script) => [name, script] as const,
    ),
  );

  test.each([...scripts])("%s: %s", async (_name, script) => {
    const located = script.replaceAll("localhost:8080", new URL(address).host);
    const environment = { GPU: gpu, ADMIN_TOKEN };
    await using shell = startProgram(["bash", "-euo", "pipefail", "-c", located], environment);
    if (located.includes("subscription")) {
      await eventually(() => /event: next\ndata: .*\n/.test(shell.output.stdout), { what: "a frame" });
    } else expect(await shell.exited).toBe(0);
    const { stdout } = shell.output;
    expect(stdout.trim()).not.toBe("");
    expect(stdout).not.toContain('"errors"');
    expect(stdout).not.toMatch(/"status":\s*[45]\d\d/);
  });
});

test.each([...DOCUMENTS])("the links of %s lead to existing files and headings", (name) => {
  expect(brokenLinks(name)).toEqual([]);
});

test.each([...DOCUMENTS])("the source files that %s names exist", (name) => {
  expect(missingFiles(name)).toEqual([]);
});

test.each(texts)("$name uses existing recipes and scripts", ({ text }) => {
  const recipes = new Set([...readDocument("justfile").matchAll(/^([a-z][\w-]*)[^\n:=]*:/gm)].map(([, name]) => name));
  const code = [...shellBlocks(text), ...[...text.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span)].join("\n");
  const named = (pattern: RegExp) => [...new Set([...code.matchAll(pattern)].map(([, name = ""]) => name))];
  expect(named(/(?:^|[\s;&])just ([a-z][\w-]*)/gm).filter((name) => !recipes.has(name))).toEqual([]);
  expect(named(/bun run ([a-z][\w-]*)/g).filter((name) => !(name in packageJson.scripts))).toEqual([]);
});

test.each(texts)("$name uses pods, services and labels that exist in the manifests", ({ text }) => {
  const manifests = [...new Bun.Glob("infra/k8s/*.yaml").scanSync(ROOT)]
    .flatMap((file) => readDocument(file).split(/^---$/m))
    .map((yaml) => parse(yaml) as { kind?: string; metadata?: { name: string }; spec?: Workload })
    .filter(({ metadata }) => metadata !== undefined);
  const labels = new Set(manifests.map(({ spec }) => spec?.template?.metadata?.labels?.app));
  const sets = new Set(manifests.filter(({ kind }) => kind === "StatefulSet").map(({ metadata }) => metadata?.name));
  const places = new Set(manifests.map(({ kind = "", metadata }) => `${kind.toLowerCase()}/${metadata?.name}`));
  const blocks = shellBlocks(text).flatMap((block) => block.split("\n").filter((line) => line.startsWith("kubectl ")));
  const commands = [...blocks, ...inlineCommands(text, "kubectl")].join("\n");
  const named = (pattern: RegExp) => [...commands.matchAll(pattern)].map(([, name = ""]) => name);
  expect(named(/-l app=([\w-]+)/g).filter((name) => !labels.has(name))).toEqual([]);
  expect(named(/\b(?:data-)?([a-z][a-z-]*)-0\b/g).filter((name) => !sets.has(name))).toEqual([]);
  expect(named(/\b((?:service|deployment|statefulset)\/[\w-]+)/g).filter((name) => !places.has(name))).toEqual([]);
});
