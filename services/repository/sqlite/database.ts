/**
 * Owns one SQLite file: opens, migrates and closes it, and runs transactions without blocking the event loop on locks.
 *
 * WAL with `synchronous = NORMAL`: a commit survives a kill of the process at any instant. A power loss may undo the
 * most recent commits, but only whole ones. Readings and their producer's position share a commit, so a streamer that
 * resumes sends exactly the lost batches again.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AppError } from "../../../schema/model/errors.ts";
import { backoffMs, type Clock } from "../../platform/process/clock.ts";
import { isBusy, isFull, storeError } from "./errors.ts";
import { APPLICATION_ID, MIGRATIONS } from "./migrations.ts";

/** How long a transaction waits for other processes, over all attempts. */
const BUSY_LIMIT_MS = 10_000;
/** How long SQLite itself waits for a lock. This blocks the event loop; most writers finish sooner. */
const BUSY_SPIN_MS = 5;
/** Pages of the write-ahead log after which SQLite copies it into the file. */
const CHECKPOINT_PAGES = 4000;

export interface Database extends Disposable {
  readonly path: string;
  /** Prepares each SQL text once and reuses the statement. Rows are arrays. */
  prepare(sql: string): Statement;
  /** Returns a number that changes with every commit of another connection. */
  dataVersion(): number;
  /** Runs `work`, which must be synchronous, on one snapshot. @throws AppError `unavailable` */
  read<T>(work: () => T, options?: { signal?: AbortSignal | undefined }): Promise<T>;
  /**
   * Runs `work`, which must be synchronous, in one transaction. Retries while another process writes. `undo` runs after
   * each attempt that was rolled back.
   * @throws AppError `unavailable`
   */
  write<T>(work: () => T, options?: { undo?: () => void; signal?: AbortSignal | undefined }): Promise<T>;
}

export type Cell = string | number | null | Uint8Array;
export type Row = readonly Cell[];

export interface Statement {
  run(...values: Cell[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...values: Cell[]): Row | undefined;
  all(...values: Cell[]): Row[];
}

function prepareRows(connection: DatabaseSync, sql: string): Statement {
  const statement: StatementSync = connection.prepare(sql);
  statement.setReturnArrays(true);
  return statement as unknown as Statement;
}

function connect(path: string): DatabaseSync {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  const connection = new DatabaseSync(path);
  try {
    connection.exec(`
      PRAGMA busy_timeout = ${BUSY_SPIN_MS};
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${CHECKPOINT_PAGES * 4096};
      PRAGMA cache_size = -16000;
      PRAGMA temp_store = MEMORY;
    `);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

const numberOf = (connection: DatabaseSync, pragma: string): number =>
  Number(prepareRows(connection, `PRAGMA ${pragma}`).get()?.[0]);

/** @throws AppError `unavailable` for a file of another program or of a newer version of this one */
function migrate(connection: DatabaseSync, path: string): void {
  const version = numberOf(connection, "user_version");
  const owner = numberOf(connection, "application_id");
  const tables = numberOf(connection, "schema_version");
  if (owner !== APPLICATION_ID && tables > 0) {
    throw new AppError(
      `Cannot use the store ${path}: it is another program's database; set SQLITE_PATH to a new file`,
      {
        code: "unavailable",
      },
    );
  }
  if (version > MIGRATIONS.length) {
    throw new AppError(
      `Cannot use the store ${path}: version must be at most ${MIGRATIONS.length}, got ${version}; use a newer release`,
      { code: "unavailable" },
    );
  }
  for (const step of MIGRATIONS.slice(version)) connection.exec(step);
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`);
}

function transaction<T>(connection: DatabaseSync, begin: string, work: () => T, undo = () => {}): T {
  connection.exec(begin);
  try {
    const result = work();
    connection.exec("COMMIT");
    return result;
  } catch (error) {
    // After a full disk or an I/O error, SQLite may have rolled back already.
    if (connection.isTransaction) connection.exec("ROLLBACK");
    undo();
    throw error;
  }
}

/** Retries `attempt` while the file is busy, with jitter, up to `BUSY_LIMIT_MS`. */
async function whileBusy<T>(
  clock: Clock,
  attempt: () => T,
  signal: AbortSignal | undefined,
  onBusy: () => void,
): Promise<T> {
  const deadline = clock.monotonic() + BUSY_LIMIT_MS;
  for (let tries = 0; ; tries++) {
    signal?.throwIfAborted();
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || clock.monotonic() >= deadline) throw error;
      onBusy();
      await clock.sleep(backoffMs(tries, { baseMs: 5, capMs: 200 }), { signal });
    }
  }
}

/** @throws AppError `unavailable`, naming the path and what to do */
export async function openDatabase(
  path: string,
  { clock, onBusy }: { clock: Clock; onBusy: () => void },
): Promise<Database> {
  const guard = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storeError(path, error);
    }
  };
  const connection = await guard(async () => {
    const opened = await whileBusy(clock, () => connect(path), undefined, onBusy);
    try {
      await whileBusy(
        clock,
        () => transaction(opened, "BEGIN IMMEDIATE", () => migrate(opened, path)),
        undefined,
        onBusy,
      );
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  });

  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = prepareRows(connection, sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return {
    path,
    prepare,
    dataVersion: () => prepare("PRAGMA data_version").get()?.[0] as number,
    read: (work, { signal } = {}) =>
      guard(() => whileBusy(clock, () => transaction(connection, "BEGIN", work), signal, onBusy)),
    write: (work, { undo, signal } = {}) =>
      guard(() => whileBusy(clock, () => transaction(connection, "BEGIN IMMEDIATE", work, undo), signal, onBusy)),
    [Symbol.dispose]() {
      if (!connection.isOpen) return;
      try {
        // If another process is reading, the last process to close the file copies the log instead.
        connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch (error) {
        // On a full disk the log stays beside the file, with everything that is committed.
        if (!isFull(error)) throw storeError(path, error);
      } finally {
        connection.close();
      }
    },
  };
}
