/** The figures of one side in one round, in base units. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export type Figures = Readonly<Record<"wallS" | "readingsPerS" | "cpuS" | "peakBytes" | "diskBytes", number>>;

/** Returns the total size of all files under a folder, bytes. */
export async function bytesUnder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
