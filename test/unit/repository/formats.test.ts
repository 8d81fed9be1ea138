/** Compares FORMATS.md with the code. `mongodb-documents.test.ts` compares the fields of documents on a server. */
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { INDEXES } from "../../../services/repository/mongodb/indexes.ts";
import { fieldOf } from "../../../services/repository/mongodb/readings/field-names.ts";
import { APPLICATION_ID } from "../../../services/repository/sqlite/migrations.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { ROOT } from "../../support/programs/process.ts";
import { codeIn, readDocument, tableUnder } from "../../support/project/documents.ts";
import { openStore } from "../../support/repository/sqlite-store.ts";

const text = readDocument("services/repository/FORMATS.md");
const [sqlite = "", mongodb = ""] = text.split(/^## /m).filter((part) => /^(SQLite|MongoDB)\n/.test(part));

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Tables and indexes of a new file, as SQLite lists them. */
async function readFileFormat() {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "store.sqlite");
  await (await openStore(path))[Symbol.asyncDispose]();
  using database = new DatabaseSync(path);
  const tables = new Map<string, Column[]>();
  for (const { name } of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    const columns = database.prepare(`PRAGMA table_info(${name})`).all();
    tables.set(
      String(name),
      columns.map((column) => {
        const isKey = Number(column.pk) > 0;
        return { name: String(column.name), type: `${column.type}${column.notnull || isKey ? "" : " or null"}` };
      }),
    );
  }
  const indexes = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").all();
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  return {
    tables,
    indexes: indexes.map(({ name }) => String(name)),
    applicationId: pragma("application_id"),
    version: pragma("user_version"),
  };
}

test("FORMATS.md lists the tables, columns and indexes of a SQLite file", async () => {
  const { tables, indexes, applicationId } = await readFileFormat();
  const headings = [...sqlite.matchAll(/^#### `(\w+)`$/gm)].map(([, name = ""]) => name);
  expect(headings.toSorted()).toEqual([...tables.keys()].toSorted());
  for (const [table, columns] of tables) {
    const described = tableUnder(sqlite, `\`${table}\``).map(([name, type = ""]) => ({ name: codeIn(name), type }));
    expect([table, ...described]).toEqual([table, ...columns]);
  }
  for (const index of indexes) expect(sqlite).toContain(`Index \`${index}\``);
  expect(applicationId).toBe(APPLICATION_ID);
  expect(sqlite).toContain(`\`application_id\` 0x${APPLICATION_ID.toString(16)}`);
});

test("FORMATS.md lists the pragmas that a connection sets", async () => {
  const source = await readFile(join(ROOT, "services/repository/sqlite/database.ts"), "utf8");
  const set = [...source.matchAll(/^\s*PRAGMA (\w+) = /gm)].map(([, name = ""]) => name);
  expect(
    tableUnder(sqlite, "Pragmas")
      .map(([name]) => codeIn(name))
      .toSorted(),
  ).toEqual(set.toSorted());
});

test("FORMATS.md lists the indexes of MongoDB", () => {
  const nameOf = (collection: string) => (collection === "points" ? "telemetry_points" : collection);
  const created = Object.entries(INDEXES).flatMap(([collection, indexes]) =>
    indexes.map(({ key }) => [nameOf(collection), Object.entries(key)]),
  );
  const described = tableUnder(mongodb, "Indexes").map(([collection, keys]) => [
    codeIn(collection),
    [...codeIn(keys).matchAll(/"?([\w.]+)"?: (-?1)/g)].map(([, field = "", order]) => [field, Number(order)]),
  ]);
  expect(described).toEqual(created);
});

test("FORMATS.md shows how field names are encoded", () => {
  const encoded = ["%", ".", "$", "\0"].map((character) => `\`${fieldOf(character as never)}\``);
  expect(mongodb).toContain(encoded.join(", "));
});
