/** Finds the files that a path names: one file, the data files of a directory, or the matches of a glob. */
import { glob, readdir, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError } from "../../../schema/model/errors.ts";
import type { FoundSource } from "../port.ts";
import { folderContents, nearestContents } from "./folder-contents.ts";

/** Endings of data files, in any case. Other files of a directory are not read. */
const IN_DIRECTORY = /\.(?:csv|tsv|txt|prom|json|jsonl|ndjson|gz|zst)$/i;
const GLOB = /[*?[\]{}]/;

/** Compares code units, so that the order is the same on every machine. */
const byName = (a: FoundSource, b: FoundSource): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

async function describeFile(path: string, bytes: number): Promise<FoundSource> {
  return { id: await realpath(path).catch(() => resolve(path)), name: path, bytes };
}

/** Returns the paths that are files, sorted. Leaves out directories and broken links. */
async function onlyFiles(paths: readonly string[]): Promise<FoundSource[]> {
  const files: FoundSource[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) files.push(await describeFile(path, found.size));
  }
  return files.sort(byName);
}

async function inDirectory(path: string): Promise<readonly FoundSource[]> {
  const names = await readdir(path);
  const files = await onlyFiles(names.filter((name) => IN_DIRECTORY.test(name)).map((name) => join(path, name)));
  if (files.length > 0) return files;
  throw new AppError(
    `Cannot read directory ${path}: it must hold a file that ends in .csv, .tsv, .txt, .prom, .json, .jsonl, .ndjson, .gz or .zst, but holds ${await folderContents(path)}`,
    { code: "invalid" },
  );
}

async function matching(pattern: string): Promise<readonly FoundSource[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  const files = await onlyFiles(paths);
  if (files.length > 0) return files;
  const base = pattern.slice(0, pattern.search(GLOB));
  throw new AppError(`Cannot read ${pattern}: no file matches; ${await nearestContents(`${base}*`)}`, {
    code: "not_found",
  });
}

/**
 * Returns the files of one path, sorted, at least one. For a directory, these are the files directly in it whose names
 * end as those of data files do. A path to a file may have any name, and a path that exists is never read as a glob.
 * @throws AppError `not_found` if nothing exists or matches, `invalid` for a directory without data files,
 *   `unavailable` if the system refuses access
 */
export async function findFiles(path: string): Promise<readonly FoundSource[]> {
  try {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    });
    if (found?.isDirectory()) return await inDirectory(path);
    if (found !== undefined) return [await describeFile(path, found.size)];
    if (GLOB.test(path)) return await matching(path);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError(`Cannot read ${path}: ${(error as Error).message}`, { code: "unavailable", cause: error });
  }
  throw new AppError(`Cannot read ${path}: there is no such file or directory; ${await nearestContents(path)}`, {
    code: "not_found",
  });
}
