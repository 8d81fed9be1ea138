import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import type { SkipReason } from "../../../services/sources/port.ts";
import {
  csvText,
  gpuUuid,
  keepRows,
  openRows,
  quoted,
  readAll,
  rowClock,
  rowFields,
  rowLine,
  type TempFiles,
  tempFiles,
  untilEnd,
} from "../../support/sources/dcgm-file.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const AT = Date.UTC(2025, 6, 18, 20, 42, 34);
const reading = (n: number, value: string | number) => `${gpuUuid(n)} DCGM_FI_DEV_GPU_UTIL ${AT} ${value}`;
const good = (n: number) => rowLine(n, { value: String(n) });
/** A file with one more column, which no reading depends on. */
const withNote = (...lines: readonly string[]) => csvText(...lines).replace("\n", ",note\n");
const readText = async (content: string | Uint8Array) => readAll(await files.write("some.csv", content));

describe("readCsvRows() on a bad row", () => {
  const cases: [name: string, line: string | Uint8Array, reason: SkipReason, shown: string][] = [
    [
      "with too few fields",
      rowLine(9).split(",").slice(0, 5).join(","),
      "fields",
      "12 fields, as the header has, got 5",
    ],
    ["with too many fields", `${rowLine(9)},"x"`, "fields", "12 fields, as the header has, got 13"],
    ["that is not CSV", "hello", "fields", "got 1"],
    ["with a quote that never closes", rowLine(9).slice(0, -1), "quote", "RFC 4180"],
    ["with an early quote that never closes", rowLine(9).replace('nvidia9"', "nvidia9"), "quote", "RFC 4180"],
    ["with a quote inside an unquoted field", rowLine(9).replace('"nvidia9"', 'nvi"dia9'), "quote", "RFC 4180"],
    ["with text behind a closing quote", rowLine(9).replace('"nvidia9"', '"nvidia9"x'), "quote", "RFC 4180"],
    ["of 10 MB", `"${"x".repeat(10_000_000)}"`, "too_long", "65536 bytes"],
    ["just over the longest", "x".repeat(65_537), "too_long", "65536 bytes"],
    ["with bytes that are not UTF-8", Buffer.from(rowLine(9, { modelName: "caf\xe9" }), "latin1"), "encoding", "UTF-8"],
    ["with bad bytes and bad quotes", Buffer.from('"caf\xe9', "latin1"), "encoding", "UTF-8"],
    ["with N/A", rowLine(9, { value: "N/A" }), "blank", 'got "N/A"'],
    ["with a blank sentinel", rowLine(9, { value: "9223372036854775794" }), "blank", "9223372036854775794"],
    ["with a 32-bit blank sentinel", rowLine(9, { value: "2147483632" }), "blank", "2147483632"],
    ["with NaN", rowLine(9, { value: "NaN" }), "not_finite", 'value must be a finite number, got "NaN"'],
    ["with +Inf", rowLine(9, { value: "+Inf" }), "not_finite", "+Inf"],
    [
      "with a word for a value",
      rowLine(9, { value: "hot" }),
      "value",
      'value must be a number such as 42 or 0.5, got "hot"',
    ],
    ["with another time", rowLine(9, { timestamp: "18.07.2025 20:42" }), "time", "Unix seconds"],
    ["before 2000", rowLine(9, { timestamp: "1999-12-31T23:59:59Z" }), "time", "1999-12-31T23:59:59Z"],
    ["more than a day ahead", rowLine(9, { timestamp: "2025-07-21T00:00:01Z" }), "time", "one day ahead"],
    ["with a uuid cut short", rowLine(9, { uuid: gpuUuid(9).slice(0, -1) }), "uuid", "GPU-5fd4f087"],
    ["with spaces around the uuid", rowLine(9, { uuid: ` ${gpuUuid(9)} ` }), "uuid", "uuid must be GPU-"],
    ["without a metric", rowLine(9, { metric_name: "" }), "metric", "metric name must be"],
    ["with an escape sequence in a column", rowLine(9, { pod: "a\x1b[2J" }), "control", 'got "a\\u001b[2J"'],
    ["with a reversed name", rowLine(9, { Hostname: "gpu\u202e1-edon" }), "control", "Hostname must have no control"],
    ["with a C1 control in a label", rowLine(9, { labels_raw: 'xid="\x9b2J"' }), "control", "xid must have"],
    ["with a newline in a label", rowLine(9, { labels_raw: 'zone="a\\nb"' }), "control", 'got "a\\nb"'],
    ["with malformed labels", rowLine(9, { labels_raw: "gpu=9" }), "labels", "gpu=9"],
  ];

  test.each(cases)("%s skips it with a reason and reads the rows around it", async (_, line, reason, shown) => {
    const content = Buffer.concat([
      Buffer.from(`${csvText(good(1), good(2), good(1))}`),
      Buffer.from(line as string),
      Buffer.from(`\n${good(2)}\n${good(1)}\n${good(3)}\n`),
    ]);
    const { readings, skips, place } = await readText(content);
    expect(readings.map(({ text }) => text)).toEqual([1, 2, 1, 2, 1, 3].map((n) => reading(n, n)));
    expect(skips.map(({ reason, line }) => ({ reason, line }))).toEqual([{ reason, line: 5 }]);
    expect(skips[0]?.detail).toContain(shown);
    expect(place).toEqual({ offset: content.length, line: 9 });
  });

  test("with a stray quote in a file without other quotes skips that line only", async () => {
    const plain = (n: number) => Object.values(rowFields(n, { labels_raw: "", value: String(n) })).join(",");
    const stray = plain(9).replace("nvidia9", '"nvidia9');
    const lines = Array.from({ length: 20 }, (_, n) => plain(n));
    const { readings, skips } = await readText(csvText(plain(1), stray, ...lines));
    expect(readings).toHaveLength(21);
    expect(skips.map(({ reason, line }) => ({ reason, line }))).toEqual([{ reason: "quote", line: 3 }]);
  });

  test("that is too long skips it whole, even if its end looks like a row", async () => {
    const chunkBytes = 70_000;
    const filler = "x".repeat(chunkBytes - 2 * (good(1).length + 1));
    const file = await files.write("some.csv", csvText(good(1), good(1), filler + good(1), good(2)));
    const { readings, skips } = await readAll(file, { chunkBytes });
    expect(readings.map(({ text }) => text)).toEqual([1, 1, 2].map((n) => reading(n, n)));
    expect(skips.map(({ reason, line }) => ({ reason, line }))).toEqual([{ reason: "too_long", line: 4 }]);
  });

  test("with bytes that differ only by the sign of a zero does not take it for an earlier row", async () => {
    // No column that describes the GPU may hold them.
    const zeros = `${rowLine(1)},"${"\0".repeat(24)}"`;
    const at = zeros.indexOf("\0");
    const variants = Array.from({ length: 24 }, (_, index) => {
      const bytes = Buffer.from(`${zeros}\n`);
      bytes[at + index] = 0x80;
      return bytes;
    });
    const { readings, skips } = await readText(Buffer.concat([Buffer.from(withNote(zeros, zeros)), ...variants]));
    expect(readings).toHaveLength(2);
    expect(skips.map(({ reason }) => reason)).toEqual(variants.map(() => "encoding"));
  });

  test("skips each of many", async () => {
    const bad = rowLine(9, { value: "N/A" });
    const { readings, skips } = await readText(
      csvText(...Array.from({ length: 500 }, (_, n) => (n % 2 ? bad : good(n)))),
    );
    expect(readings).toHaveLength(250);
    expect(skips).toHaveLength(250);
  });
});

describe("readCsvRows() on an unusual but valid file", () => {
  const whole = [reading(1, 1), reading(2, 2), reading(1, 1)];
  const rows = [good(1), good(2), good(1)];
  const sparse = (n: number) =>
    Object.values(rowFields(n, { value: String(n) }))
      .map((field) => (field.includes('"') ? quoted(field) : field))
      .join(",");

  test.each<[string, string]>([
    ["CRLF", csvText(...rows).replaceAll("\n", "\r\n")],
    ["a byte-order mark", `\uFEFF${csvText(...rows)}`],
    ["both", `\uFEFF${csvText(...rows).replaceAll("\n", "\r\n")}`],
    ["blank lines", csvText("", good(1), "", "", good(2), "\r", good(1), "")],
    ["no newline after the last row", csvText(...rows).slice(0, -1)],
    ["a quoted header", csvText(...rows).replace(DCGM_HEADER, DCGM_HEADER.split(",").map(quoted).join(","))],
    ["quotes around labels only", csvText(...[1, 2, 1].map((n) => sparse(n)))],
  ])("with %s reads all of it", async (_, content) => {
    const { readings, skips, place } = await readText(content);
    expect(readings.map(({ text }) => text)).toEqual(whole);
    expect(skips).toEqual([]);
    expect(place.offset).toBe(Buffer.byteLength(content));
  });

  test("with more columns in another order finds them by name", async () => {
    const columns = [
      "value",
      "extra",
      ...DCGM_HEADER.split(",")
        .filter((name) => name !== "value")
        .reverse(),
    ];
    const lines = [1, 2, 1, 2].map((n) => rowLine(n, { value: `${n}.5`, extra: "a,b" }, columns));
    const { readings, skips } = await readText([columns.join(","), ...lines, ""].join("\n"));
    expect(readings.map(({ text }) => text)).toEqual([1, 2, 1, 2].map((n) => reading(n, `${n}.5`)));
    expect(skips).toEqual([]);
  });

  test("with newlines and commas in quotes reads a record across its lines", async () => {
    const plain = `${good(1)},""`;
    const odd = `${good(2)},"two\nlines, or\r\nthree"`;
    const { readings, skips, place } = await readText(withNote(plain, odd, plain));
    expect(readings.map(({ text }) => text)).toEqual(whole);
    expect(skips).toEqual([]);
    expect(place.line).toBe(7);
  });

  test("with text beyond ASCII keeps that text", async () => {
    const { readings } = await readText(
      csvText(rowLine(1, { Hostname: "nœud-Ω-🖥" }), rowLine(1, { Hostname: "nœud-Ω-🖥" })),
    );
    expect(readings.map(({ facts }) => facts.host)).toEqual(["nœud-Ω-🖥", "nœud-Ω-🖥"]);
  });

  test("calls slot() once per GPU, attribution and series", async () => {
    const lines = Array.from({ length: 300 }, (_, tick) =>
      rowLine(tick % 3, { value: String(tick), timestamp: `2025-07-18T20:${String(tick % 60).padStart(2, "0")}:00Z` }),
    );
    const { readings, asked } = await readText(csvText(...lines));
    expect(readings).toHaveLength(300);
    expect(asked).toBe(3);
  });

  test("hands over neither readings nor skips for declined slots", async () => {
    const lines = [good(1), rowLine(2, { value: "N/A" }), good(2), good(1), rowLine(2, { timestamp: "soon" })];
    await using reader = await openRows(await files.write("some.csv", csvText(...lines)), { clock: rowClock });
    const kept = keepRows({ wants: ({ index }) => index === "1" });
    expect(await reader.read(kept, untilEnd)).toBe("end");
    expect(kept.readings.map(({ text }) => text)).toEqual([reading(1, 1), reading(1, 1)]);
    expect(kept.skips).toEqual([]);
  });
});

describe("readCsvRows() on a header", () => {
  test.each<[string, string, string]>([
    ["an empty file", "", "the file is empty"],
    ["an empty first line", "\nx", "the line is empty"],
    ["no header", `${good(1)}\n`, "column timestamp or time"],
    ["another header", "time,name,number\n", "or metric is missing"],
    ["a header with a stray quote", `"${csvText(good(1))}`, "a quote is where RFC 4180 has none"],
    ["a header that does not end", "x".repeat(70_000), "the line is longer than 65536 bytes"],
    ["UTF-16", Buffer.from(`\uFEFF${csvText(good(1))}`, "utf16le").toString("latin1"), "column timestamp or time"],
  ])(
    "rejects %s, showing the file, the expected header and at most 200 characters of its own",
    async (_, content, why) => {
      const file = await files.write("wrong.csv", content);
      const error = await openRows(file).then(
        () => new Error("opened"),
        (refusal: Error) => refusal,
      );
      expect(error).toMatchObject({ name: "AppError", code: "invalid" });
      expect(error.message).toContain(file);
      expect(error.message).toContain(why);
      expect(error.message).toContain(`expected ${DCGM_HEADER}, found "`);
      expect(error.message.length).toBeLessThan(600);
    },
  );

  test("rejects a path that does not exist", async () => {
    await expect(openRows(`${files.path}/gone.csv`)).rejects.toMatchObject({ code: "not_found" });
  });

  test("without rows reads nothing", async () => {
    expect(await readText(DCGM_HEADER)).toMatchObject({ readings: [], skips: [], place: { line: 2 } });
  });
});

const EXPORT = new URL("../../../../shared/data/dcgm_metrics_20250718_134233.csv", import.meta.url).pathname;

// The export belongs to its owner, so it is not in the repository.
if (existsSync(EXPORT)) {
  test("readCsvRows() reads every row of the real export", async () => {
    const { readings, skips, asked, bytesRead } = await readAll(EXPORT);
    expect(readings).toHaveLength(2470);
    expect(new Set(readings.map(({ facts }) => facts.uuid)).size).toBe(247);
    expect(skips).toEqual([]);
    expect(asked).toBe(2470);
    expect(bytesRead).toBe(1_107_455);
  });
}
