/** The files behind a `CSV_PATH`: one file, a directory's CSV files, or what a glob matches. */
import { glob, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../schema/model/errors.ts";
import { folderContents, nearestContents } from "./folder-contents.ts";

export type Compression = "none" | "gzip" | "zstd";

export interface SourceFile {
  readonly path: string;
  /** Bytes on disk when it was found; it may have grown since. */
  readonly size: number;
  /** By its first bytes; by its name, `.gz` or `.zst`, where they say nothing. */
  readonly compression: Compression;
}

/** RFC 1952 and RFC 8878. */
const MAGIC: ReadonlyMap<string, Compression> = new Map([
  ["1f8b", "gzip"],
  ["28b52ffd", "zstd"],
]);

/** A file under the name that people mount theirs over may be packed, whatever its name says. */
async function compressionOf(path: string): Promise<Compression> {
  const named: Compression = path.endsWith(".gz") ? "gzip" : path.endsWith(".zst") ? "zstd" : "none";
  const first = Buffer.alloc(4);
  try {
    await using handle = await open(path, "r");
    await handle.read(first, 0, first.length, 0);
  } catch {
    // Whoever reads it says why it cannot be read.
    return named;
  }
  return MAGIC.get(first.toString("hex", 0, 2)) ?? MAGIC.get(first.toString("hex")) ?? named;
}

const IN_DIRECTORY = /\.(?:csv|gz|zst)$/;
const GLOB = /[*?[\]{}]/;

/** By name as bytes compare, the same on every machine. */
const byPath = (a: SourceFile, b: SourceFile): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

async function sourceFile(path: string): Promise<SourceFile | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? { path, size: found.size, compression: await compressionOf(path) } : undefined;
}

async function sourceFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const path of paths) {
    const file = await sourceFile(path);
    if (file !== undefined) files.push(file);
  }
  return files.sort(byPath);
}

async function inDirectory(path: string): Promise<readonly SourceFile[]> {
  const names = await readdir(path);
  const files = await sourceFiles(names.filter((name) => IN_DIRECTORY.test(name)).map((name) => join(path, name)));
  if (files.length > 0) return files;
  throw new AppError(
    `Cannot read directory ${path}: it has no .csv, .csv.gz or .csv.zst file; there is ${await folderContents(path)}`,
    { code: "invalid" },
  );
}

async function matching(pattern: string): Promise<readonly SourceFile[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  const files = await sourceFiles(paths);
  if (files.length > 0) return files;
  const base = pattern.slice(0, pattern.search(GLOB));
  throw new AppError(`Cannot read ${pattern}: it matches no file; ${await nearestContents(`${base}*`)}`, {
    code: "not_found",
  });
}

/**
 * Never empty, sorted by path. A directory gives its own `.csv`, `.gz` and `.zst` files, not those further down; a file
 * named outright may have any name, and a name that exists is never taken for a glob.
 * @throws AppError `not_found` when nothing has that name or matches, `invalid` for a directory without files to read,
 *   `unavailable` when it may not be looked at
 */
export async function findSources(path: string): Promise<readonly SourceFile[]> {
  try {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    });
    if (found?.isDirectory()) return await inDirectory(path);
    if (found !== undefined) return [{ path, size: found.size, compression: await compressionOf(path) }];
    if (GLOB.test(path)) return await matching(path);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError(`Cannot look at ${path}: ${(error as Error).message}`, { code: "unavailable", cause: error });
  }
  throw new AppError(`Cannot read ${path}: there is no such file or directory; ${await nearestContents(path)}`, {
    code: "not_found",
  });
}
