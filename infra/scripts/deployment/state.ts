/** What one run leaves for the next, as small files of one folder; and the lock that keeps two runs apart. */
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Trouble } from "./trouble.ts";

export interface State {
  readonly folder: string;
  /** null when it was never written. */
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
      // A forward's file holds the word that ends it.
      await writeFile(join(folder, name), text, { mode: 0o600 });
    },
    forget: (name) => rm(join(folder, name), { force: true }),
  };
}

const LOCK = "lock";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** @throws Trouble when another run holds it */
export async function lock(state: State): Promise<AsyncDisposable> {
  await mkdir(state.folder, { recursive: true });
  for (;;) {
    try {
      const file = await open(join(state.folder, LOCK), "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return { [Symbol.asyncDispose]: () => state.forget(LOCK) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number((await state.read(LOCK)) ?? 0);
    if (holder > 0 && isAlive(holder)) {
      throw new Trouble(`Another \`just up\`, \`deploy\` or \`down\` is running (process ${holder})`, {
        next: ["Wait until it has ended."],
      });
    }
    await state.forget(LOCK);
  }
}
