/** What lies in a folder, in words: where a service runs without a shell, its log is all that shows it. */
import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

const SHOWN_NAMES = 10;

const nameOf = (entry: Dirent): string => (entry.isDirectory() ? `${entry.name}/` : entry.name);

/** `nothing`, or `a.csv, logs/`, or ten of many `and more`. Undefined: it is no folder that can be read. */
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

/** `in /data there is b.csv`, of the folder that is nearest to a path that is not there. */
export async function nearestContents(path: string): Promise<string> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const contents = await folderContents(folder);
    if (contents !== undefined || folder === dirname(folder)) return `in ${folder} there is ${contents ?? "nothing"}`;
  }
}
