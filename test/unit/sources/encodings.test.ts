/** Files in other encodings and with other separators, and files of which no row can be read. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import type { Place } from "../../../services/sources/port.ts";
import {
  keepRows,
  openRows,
  quoted,
  readAll,
  readSource,
  rowClock,
  rowFields,
  type TempFiles,
  tempFiles,
  untilEnd,
} from "../../support/sources/dcgm-file.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const COLUMNS = DCGM_HEADER.split(",");
const utf16le = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");
const utf16be = (text: string) => utf16le(text).swap16();

/** Four ticks of three GPUs with values that have a fraction. */
const ROWS = Array.from({ length: 12 }, (_, index) => ({
  gpu: index % 3,
  timestamp: `2025-07-18T20:42:3${Math.floor(index / 3)}Z`,
  value: `${index}.5`,
  Hostname: index % 3 === 2 ? "knoten-ü-𝔾" : "node-1",
}));

/** The rows as text; `field` writes a field, `value` a number. */
function textOf(separator: string, { field = quoted, value = (text: string) => text, end = "\n" } = {}): string {
  const lines = ROWS.map(({ gpu, ...given }) => {
    const fields = rowFields(gpu, { ...given, value: value(given.value) });
    return COLUMNS.map((name) => field(fields[name] ?? "")).join(separator);
  });
  return [COLUMNS.join(separator), ...lines, ""].join(end);
}

const bare = (text: string) => (/[",;\t|]/.test(text) ? quoted(text) : text);
const withComma = (text: string) => text.replace(".", ",");

const FORMS: readonly (readonly [name: string, content: string | Buffer])[] = [
  ["semicolons", textOf(";")],
  ["semicolons, bare fields and decimal commas", textOf(";", { field: bare, value: withComma })],
  ["semicolons and numbers that are all quoted with decimal commas", textOf(";", { value: withComma })],
  ["tabs", textOf("\t", { field: bare })],
  ["tabs and quotes", textOf("\t")],
  ["bars", textOf("|", { field: bare })],
  ["a byte order mark", `\uFEFF${textOf(",")}`],
  ["sep=; of a spreadsheet", `\uFEFFsep=;\r\n${textOf(";", { end: "\r\n", value: withComma })}`],
  ["sep=, of a spreadsheet", `sep=,\r\n${textOf(",", { end: "\r\n" })}`],
  ["UTF-16 little-endian", utf16le(textOf(","))],
  ["UTF-16 big-endian", utf16be(textOf(","))],
  ["UTF-16 and tabs, as a spreadsheet saves Unicode text", utf16le(textOf("\t", { field: bare, end: "\r\n" }))],
  ["UTF-16 and gzip", gzipSync(utf16be(textOf(";", { value: withComma })))],
];

const texts = ({ readings }: { readings: readonly { text: string; facts: unknown }[] }) =>
  readings.map(({ text, facts }) => `${text} ${JSON.stringify(facts)}`);

describe("a file with", () => {
  test.each(FORMS)("%s gives the rows of the usual file", async (_, content) => {
    const usual = await readAll(await files.write("usual.csv", textOf(",")));
    expect(usual.readings).toHaveLength(ROWS.length);
    const path = await files.write("other.csv", content);
    for (const chunkBytes of [1, 7, 1000, undefined]) {
      const read = await readAll(path, chunkBytes === undefined ? {} : { chunkBytes });
      expect(read.skips).toEqual([]);
      expect(texts(read)).toEqual(texts(usual));
    }
  });

  test.each(FORMS)("%s continues after any row", async (_, content) => {
    const path = await files.write("steps.csv", content);
    const whole = await readAll(path);
    for (const length of [1, 5]) {
      const kept = keepRows({ stopAfter: () => length });
      let place: Place | undefined;
      for (let outcome = "stopped"; outcome === "stopped"; ) {
        await using reader = await openRows(path, { from: place, chunkBytes: 500 });
        outcome = await reader.read(kept, untilEnd);
        place = reader.place;
      }
      expect(texts(kept)).toEqual(texts(whole));
    }
  });

  test("a decimal comma needs the separator ;", async () => {
    const path = await files.write("tabs.csv", textOf("\t", { value: withComma, field: bare }));
    expect((await readAll(path)).skips.map(({ reason }) => reason)).toEqual(ROWS.map(() => "value"));
  });

  test("half a surrogate pair in UTF-16 costs the row alone", async () => {
    const content = utf16le(textOf(",").replace("𝔾", "\ud835"));
    const { skips, readings } = await readAll(await files.write("half.csv", content));
    expect(skips).toMatchObject([{ reason: "encoding", line: 4 }]);
    expect(readings).toHaveLength(ROWS.length - 1);
  });
});

test("rows appended to an open file in UTF-16 are read", async () => {
  const text = textOf(",");
  const lines = text.split("\n");
  const path = await files.write("grows.csv", utf16le(`${lines.slice(0, 3).join("\n")}\n`));
  await using reader = await openRows(path, { clock: rowClock });
  const kept = keepRows();
  await files.append("grows.csv", Buffer.from(lines.slice(3).join("\n"), "utf16le"));
  await reader.read(kept, untilEnd);
  expect(kept.readings).toHaveLength(ROWS.length);
});

describe("a file of which no row can be read fails, and names what was found:", () => {
  const times = (write: (time: string) => string, separator = ";") =>
    textOf(separator, { field: (text) => (text.startsWith("2025-07") ? write(text) : bare(text)), value: withComma });

  test.each([
    [
      "times of a spreadsheet",
      `\uFEFFsep=;\r\n${times(() => "18.07.2025 20:42")}`,
      ['separator ";"', "UTF-8", '"18.07.2025 20:42"', "in line 3"],
    ],
    [
      "American times and tabs",
      utf16le(times(() => "7/18/2025 8:42 PM", "\t")),
      ['separator "\\t"', "UTF-16LE", '"7/18/2025 8:42 PM"'],
    ],
    ["days of a spreadsheet", times(() => "45856,8629"), ['separator ";"', '"45856,8629"', '"0,5"']],
    ["numbers in words", textOf("|", { value: () => "twelve", field: bare }), ['separator "|"', '"twelve"', "number"]],
  ])("%s", async (_, content, named) => {
    const path = await files.write("bad.csv", content);
    const error = await readSource(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "AppError", code: "invalid" });
    const { message } = error as Error;
    for (const part of [path, "none of its 12 rows", ...named, "2025-07-18T20:42:34Z", "UTF-8"]) {
      expect(message).toContain(part);
    }
  });

  test("but blanks, other devices and rows that are cut short do not count as unreadable", async () => {
    for (const content of [textOf(",", { value: () => "N/A" }), `${DCGM_HEADER}\n`, `${DCGM_HEADER}\n"2025-07`]) {
      expect((await readSource(await files.write("blank.csv", content))).readings).toEqual([]);
    }
  });
});
