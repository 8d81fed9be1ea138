/** Describes folder contents in error messages: for a service without a shell, only its log can show them. */
import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

const SHOWN_NAMES = 10;

const nameOf = (entry: Dirent): string => (entry.isDirectory() ? `${entry.name}/` : entry.name);

/** Returns `nothing`, `a.csv, logs/`, or ten names `and more`; undefined if the path is not a readable folder. */
export async function folderContents(path: string): Promise<string | undefined> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(path)) {
      if (names.length === SHOWN_NAMES) return `${names.sort().join(", ")} and more`;
      names.push(nameOf(entry));
    }
  } catch {
    return undefined;
  }
  return names.length === 0 ? "nothing" : names.sort().join(", ");
}

/** Returns, for example, `/data holds b.csv`: the contents of the nearest readable folder above the path. */
export async function nearestContents(path: string): Promise<string> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const contents = await folderContents(folder);
    if (contents !== undefined || folder === dirname(folder)) return `${folder} holds ${contents ?? "nothing"}`;
  }
}
