import { expect, test } from "bun:test";
import { storeError } from "../../../services/repository/sqlite/errors.ts";

const sqliteError = (message: string, errcode?: number) =>
  Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", ...(errcode === undefined ? {} : { errcode }) });
const systemError = (code: string) => Object.assign(new Error(`${code}: mkdir`), { code, errno: -28 });

test.each([
  {
    what: "SQLite's code for a full disk",
    error: sqliteError("database or disk is full", 13),
    room: 0,
    says: "disk is full",
  },
  { what: "the system's code", error: systemError("ENOSPC"), room: 0, says: "the disk is full; free disk space" },
  {
    what: "an I/O error without room",
    error: sqliteError("disk I/O error", 4874),
    room: 4096,
    says: "the disk is full",
  },
  { what: "an I/O error in words", error: sqliteError("disk I/O error"), room: 4096, says: "the disk is full" },
  { what: "an I/O error with room", error: sqliteError("disk I/O error", 778), room: 1e9, says: "check the disk" },
])("storeError() of $what says $says", ({ error, room, says }) => {
  expect((storeError("/x/a.sqlite", error, () => room) as Error).message).toContain(says);
});

test("storeError() asks the disk of the store for its room", () => {
  const error = storeError("/tmp/a.sqlite", sqliteError("disk I/O error", 10)) as Error;
  expect(error.message).toContain("disk");
});
