/** Translates SQLite's errors. Bun and Node report a result code; Deno reports only SQLite's text for it. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { AppError, isAppError } from "../../../schema/model/errors.ts";

interface SqliteError extends Error {
  readonly code?: string;
  /** Extended result code; the primary one is in the low byte. */
  readonly errcode?: number;
}

/** Primary result codes (sqlite.org/rescode.html), the text of each, and advice for the operator. */
const RESULTS = {
  busy: { codes: [5, 6], text: /database (table )?is locked/, advice: "another process keeps it locked" },
  full: { codes: [13], text: /database or disk is full/, advice: "free disk space" },
  io: { codes: [10], text: /disk I\/O error/, advice: "check the disk" },
  readonly: { codes: [8], text: /readonly database/, advice: "make the file and its directory writable" },
  damaged: {
    codes: [11, 26],
    text: /is not a database|disk image is malformed/,
    advice: "it is damaged or not a SQLite file: move it away or set SQLITE_PATH to another file",
  },
  cannotOpen: {
    codes: [14],
    text: /unable to open database file/,
    advice: "check that the directory exists and is writable",
  },
} as const;

const isSqliteError = (error: unknown): error is SqliteError =>
  error instanceof Error && (error as SqliteError).code === "ERR_SQLITE_ERROR";

function is(error: SqliteError, { codes, text }: (typeof RESULTS)[keyof typeof RESULTS]): boolean {
  if (error.errcode === undefined) return text.test(error.message);
  return (codes as readonly number[]).includes(error.errcode & 0xff);
}

export const isBusy = (error: unknown): boolean => isSqliteError(error) && is(error, RESULTS.busy);
export const isFull = (error: unknown): boolean => isSqliteError(error) && is(error, RESULTS.full);

/** With less room than this, SQLite cannot create a store. It then reports the full disk as an I/O error. */
const ROOM_BYTES = 65_536;

/** Returns the free bytes of the disk that holds the path; infinite if the system does not tell. */
function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Turns SQLite's errors into `unavailable`, naming the file and what to do; returns any other error as it is. */
export function storeError(path: string, error: unknown, room: (path: string) => number = freeBytes): unknown {
  if (isAppError(error)) return error;
  const systemCode = (error as NodeJS.ErrnoException | undefined)?.code;
  if (
    !isSqliteError(error) &&
    systemCode !== "ERR_INVALID_STATE" &&
    typeof (error as { errno?: unknown })?.errno !== "number"
  ) {
    return error;
  }
  const known = isSqliteError(error) ? Object.values(RESULTS).find((result) => is(error, result)) : undefined;
  const advice = known === undefined ? "" : `; ${known.advice}`;
  const isFull = systemCode === "ENOSPC" || (known === RESULTS.io && room(path) < ROOM_BYTES);
  const problem = isFull ? "the disk is full; free disk space" : `${(error as Error).message}${advice}`;
  return new AppError(`Cannot use the store ${path}: ${problem}`, {
    code: "unavailable",
    cause: error,
  });
}
