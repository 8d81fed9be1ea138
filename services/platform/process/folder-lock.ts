/** Lets one process at a time use a folder. The system ends the lock with its process, however that ends. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AppError } from "../../../schema/model/errors.ts";

/** SQLite takes the system's lock of this file, which no runtime offers by itself. The file stays empty. */
const LOCK_FILE = "lock";

export class FolderLock implements Disposable {
  readonly #file: DatabaseSync;

  /** @throws AppError `conflict` if another process, or this one, has locked the folder; errors of the file system */
  constructor(folder: string) {
    const path = join(folder, LOCK_FILE);
    this.#file = new DatabaseSync(path);
    try {
      this.#file.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      this.#file.close();
      // Deno does not tell SQLite's code.
      if (!(error instanceof Error) || !error.message.includes("database is locked")) throw error;
      const message = `folder must be one that no other process uses, got ${folder}; stop that process`;
      throw new AppError(message, { code: "conflict", cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
