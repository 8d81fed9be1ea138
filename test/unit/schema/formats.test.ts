/** `schema/FORMATS.md` against the code: a decoder that reads as its tables say, its constants and its examples. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import type { Block } from "../../../schema/batch/batch.ts";
import { ByteReader } from "../../../schema/batch/byte-reader.ts";
import { decodeBatchHeader, encodeBatch } from "../../../schema/batch/codec.ts";
import { packColumns } from "../../../schema/batch/columns.ts";
import { encodePosition, parsePosition } from "../../../services/streamer/send/position.ts";
import { batchOf, factsOf, heldBy, TEMP, UTIL } from "../../conformance/repository/bench.ts";
import { ROOT } from "../../support/programs/process.ts";

const FORMATS = await Bun.file(join(ROOT, "schema/FORMATS.md")).text();
const sourceOf = (file: string) => Bun.file(join(ROOT, "schema", file)).text();

/** Rows of the table under a heading whose first column has the given title. */
function table(heading: string, title: string): string[][] {
  const [, section = ""] = FORMATS.split(new RegExp(`^#+ ${heading}$`, "m"));
  const lines = section.split(/^#+ /m)[0]?.split("\n") ?? [];
  const start = lines.findIndex((line) => new RegExp(`^\\| ${title} +\\|`).test(line));
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  const rows = lines.slice(start + 2, start + length);
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

const BATCH = batchOf(
  [
    [UTIL, 0, 97],
    [TEMP, 15_000, 61.5, factsOf(1, heldBy("train-1"))],
  ],
  { producer: "/data/a.csv@3/8", epoch: 7, seq: 1_000_000 },
);
/** `BATCH` has one block: the temperature, of a row with a holder, and the utilisation, of one without. */
const [{ evidence: EVIDENCE }] = BATCH.blocks as readonly Block[] as [Block];
const READ: Readonly<Record<string, (from: ByteReader) => unknown>> = {
  "2 byte": (from) => [from.byte(), from.byte()].map((byte) => byte.toString(16)).join(" "),
  byte: (from) => from.byte(),
  uint32: (from) => from.uint32(),
  varint: (from) => from.varint(),
  text: (from) => from.text(4096),
  bytes: (from) => from.bytes(from.left),
};

test("the tables of FORMATS.md read an encoded batch", () => {
  const bytes = encodeBatch(BATCH);
  const from = new ByteReader(bytes);
  const read = Object.fromEntries(
    table("Batch", "field").map(([field = "", type = ""]) => [field, READ[type]?.(from)]),
  );
  const header = decodeBatchHeader(bytes);
  expect(header.ok && header.value).toMatchObject({ v: read.version, producer: read.producer, epoch: read.epoch });
  expect(header.ok && header.value).toMatchObject({
    seq: read.seq,
    readings: read.readings,
    marks: read.marks,
    firstAt: read.firstAt,
  });
  expect([read.magic, BATCH.lastAt - BATCH.firstAt]).toEqual(["47 42", read.span]);

  const body = new ByteReader(new Uint8Array(zstdDecompressSync(read.body as Uint8Array)));
  expect(body.left).toBe(read["body length"] as number);
  const lists = table("Batch", "list");
  expect(lists.map(([name]) => name)).toEqual([
    "texts",
    "sightings",
    "series",
    "holders",
    "sets",
    "evidence",
    "lists",
    "blocks",
  ]);
  const texts = Array.from({ length: body.varint() }, () => body.text(4096));
  const fields = (lists[1]?.[1] ?? "").replace(" (refs)", "").split(", ");
  const sightings = Array.from({ length: body.varint() }, () => {
    const refs = fields.slice(0, -2).map((field) => [field.replace("?", ""), texts[body.varint() - 1] ?? null]);
    return { facts: Object.fromEntries(refs), from: BATCH.firstAt + body.varint(), length: body.varint() };
  });
  expect(sightings).toEqual(BATCH.sightings.map(({ facts, from, to }) => ({ facts, from, length: to - from })));
  const numbers = () => Array.from({ length: body.varint() }, () => body.varint());
  expect(numbers().map((number) => texts[number - 1])).toEqual([...BATCH.series]);
  const holders = Array.from({ length: body.varint() }, () => {
    const parts = Array.from({ length: body.varint() === 0 ? 4 : 1 }, () => texts[body.varint() - 1] ?? null);
    return parts;
  });
  expect(holders).toEqual([["research", "train-1", "main", null]]);
  const sets = Array.from({ length: body.varint() }, numbers);
  const evidence = Array.from({ length: body.varint() }, () => ({
    sets: numbers(),
    tracks: Array.from({ length: body.varint() }, () => {
      return Array.from({ length: body.varint() }, () => ({ tick: body.varint(), set: body.varint() }));
    }),
    ofColumn: numbers(),
  })) as unknown[];
  expect([sets, evidence]).toEqual([[[0]], [{ ...EVIDENCE, sets: [0] }]]);
});

test("the limits and forms in FORMATS.md are those of the code", async () => {
  const limits = table("Limits", "constant");
  expect(limits.length).toBeGreaterThan(10);
  for (const [name = "", value = "", file = ""] of limits) {
    const declared = new RegExp(`const ${name} = ([\\d_.e *<]+);`).exec(await sourceOf(file))?.[1];
    const number = new Function(`return ${declared?.replaceAll("_", "")}`)();
    expect([name, number]).toEqual([name, Number(value.replaceAll(",", ""))]);
  }
  const forms = /const FORMS = \{ (.*) \}/.exec(await sourceOf("batch/number-column.ts"))?.[1];
  expect(table("Number column", "form").map(([form, number]) => `${form}: ${number}`)).toEqual(
    forms?.split(", ") ?? [],
  );
  expect(await sourceOf("batch/codec.ts")).toContain("const NEWEST_VERSION = 2;");
  expect(await sourceOf("batch/columns.ts")).toContain("const VERSIONS = { plain: 1, marked: 2 } as const;");
});

test("the example of columns in FORMATS.md is packed as it says", () => {
  const [, example = ""] = /### Example[\s\S]*?```\n([\s\S]*?)```/.exec(FORMATS) ?? [];
  const hex = example.split("\n").map((line) => line.split("  ")[0]);
  const at = [0, 15_000, 30_000].map((ms) => Date.parse("2025-07-18T20:42:34Z") + ms);
  const values = [
    [97, 97, 97],
    [61.5, Number.NaN, 62],
    [4, 9, 2],
  ];
  const columns = values.map((column) => Float64Array.from(column));
  const packed = packColumns({ at: Float64Array.from(at), values: columns, marks: [] });
  expect(Buffer.from(packed).toString("hex")).toBe(hex.join("").replaceAll(" ", ""));
});

test("the position in FORMATS.md has the fields of the table and of the code, in their order", () => {
  const [, text = ""] = /## Position[\s\S]*?```\n(.*)\n```/.exec(FORMATS) ?? [];
  const position = parsePosition(text);
  expect(position === null ? null : encodePosition(position)).toBe(text);
  expect(Object.keys(JSON.parse(text))).toEqual(
    table("Position, version 1", "field").map(([field]) => field as string),
  );
});
