/** What our documents tell their readers to type, and where they point. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../programs/process.ts";

export const DOCUMENTS = [
  "README.md",
  "infra/README.md",
  "services/api-gateway/PROTOCOL.md",
  "infra/CONFIGURATION.md",
  "infra/docker/README.md",
  "infra/helm/gpu-telemetry/README.md",
  "infra/k8s/README.md",
] as const;

export const readDocument = (name: string): string => readFileSync(join(ROOT, name), "utf8");

/** Blocks that are marked as shell, without the indentation of the list they stand in. */
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

/** A script of commands that only ask the API, and of nothing else. */
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

/** Links to files that are not there, or to headings that are not in them. */
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
