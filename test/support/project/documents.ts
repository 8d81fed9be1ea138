/** Reads the project's documents: the commands that they show, and the files that they link to or name. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../programs/process.ts";

export const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "data/README.md",
  "infra/README.md",
  "infra/CONFIGURATION.md",
  "infra/docker/README.md",
  "infra/helm/gpu-telemetry/README.md",
  "infra/k8s/README.md",
  "schema/FORMATS.md",
  "schema/LABELS.md",
  "services/LAYERS.md",
  "services/README.md",
  "services/api-gateway/PROTOCOL.md",
  "services/queue/PROTOCOL.md",
  "services/repository/FORMATS.md",
  "test/bench/README.md",
] as const;

export const readDocument = (name: string): string => readFileSync(join(ROOT, name), "utf8");

/** Blocks marked `sh`, without the indentation of a list around them. */
export function shellBlocks(text: string): string[] {
  return [...text.matchAll(/^( *)```sh\n([\s\S]*?)^ *```/gm)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), "").trim(),
  );
}

/** Commands in running text and tables. */
export const inlineCommands = (text: string, program: string): string[] =>
  [...text.replaceAll(/```[\s\S]*?```/g, "").matchAll(new RegExp(`\`(${program} [^\`]+)\``, "g"))].map(
    ([, command = ""]) => command.replaceAll("\\|", "|"),
  );

/** True for a script that only asks the API. */
export const asksOnly = (script: string): boolean =>
  /(^|\n)(curl |GPU=\$\(curl )/.test(script) &&
  script
    .replaceAll("\\\n", " ")
    .split("\n")
    .every((line) => /^(curl |GPU=\$\(curl |#|$)/.test(line));

/** Cells of the rows below the header of the first table under a heading. */
export function tableUnder(text: string, heading: string): string[][] {
  const section = text.split(new RegExp(`^#+ ${heading}$`, "m"))[1]?.split(/^#+ /m)[0] ?? "";
  const [table = ""] = section.split(/\n\n/).filter((block) => block.trimStart().startsWith("|"));
  return table
    .trim()
    .split("\n")
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split(" | ")
        .map((cell) => cell.trim()),
    );
}

/** The first code span of a cell, without its backticks. */
export const codeIn = (cell = ""): string => /`([^`]+)`/.exec(cell)?.[1] ?? "";

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

/** Links whose file, or whose heading in that file, does not exist. */
export function brokenLinks(document: string): string[] {
  const broken: string[] = [];
  for (const [, target = ""] of readDocument(document).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? document : join(dirname(document), path);
    if (!existsSync(join(ROOT, file))) broken.push(target);
    else if (anchor !== undefined) {
      const headings = [...readDocument(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
      if (!headings.includes(anchor)) broken.push(target);
    }
  }
  return broken;
}

/** Source files named in backquotes that exist neither from the document's folder nor from the root. */
export function missingFiles(document: string): string[] {
  const spans = readDocument(document).matchAll(/`([\w-][\w.-]*\/[\w./-]+\.(?:ts|sh))`/g);
  return [...spans]
    .map(([, name = ""]) => name)
    .filter(
      (name) =>
        !name.includes("NAME") && ![dirname(document), ""].some((folder) => existsSync(join(ROOT, folder, name))),
    );
}
