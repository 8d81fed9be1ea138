/** State that one run leaves for the next (small files in one folder), and the lock that keeps two runs apart. */
import { Database, SQLiteError } from "bun:sqlite";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Trouble } from "./trouble.ts";

export interface State {
  readonly folder: string;
  /** Returns null if `name` was never written. */
  read(name: string): Promise<string | null>;
  write(name: string, text: string): Promise<void>;
  forget(name: string): Promise<void>;
}

export function openState(folder: string): State {
  return {
    folder,
    read: (name) => readFile(join(folder, name), "utf8").catch(() => null),
    write: async (name, text) => {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, name), text, { mode: 0o600 });
    },
    forget: (name) => rm(join(folder, name), { force: true }),
  };
}

/** An empty database: only its file lock is used. */
const LOCK = "lock.sqlite";
/** The process id of the last run that took the lock; read for the error message only. */
const HOLDER = "lock-holder";

/**
 * Takes the lock of `state`. SQLite locks the file through the kernel, so the lock ends with the process, even with a
 * killed one, and the file may stay. Keep the result: garbage collection releases the lock.
 *
 * @throws Trouble if another run holds the lock
 */
export async function lock(state: State): Promise<Disposable> {
  await mkdir(state.folder, { recursive: true });
  const database = new Database(join(state.folder, LOCK));
  try {
    database.run("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!(error instanceof SQLiteError) || error.code !== "SQLITE_BUSY") throw error;
    const holder = await state.read(HOLDER);
    throw new Trouble(`Another \`just up\`, \`deploy\` or \`down\` is running (process ${holder})`, {
      next: ["Wait until it has ended."],
      cause: error,
    });
  }
  await state.write(HOLDER, String(process.pid));
  return { [Symbol.dispose]: () => database.close() };
}
