/** Files made to exhaust their reader: the rows behind the trap are read, and memory stays bounded. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Duplex, PassThrough, Readable } from "node:stream";
import { createGzip, createZstdCompress, gzipSync, zstdCompressSync } from "node:zlib";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import { csvText, openRows, readAll, rowLine, type TempFiles, tempFiles } from "../../support/sources/dcgm-file.ts";

setDefaultTimeout(60_000);
let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const MIB = 1024 * 1024;
/** Windows and decompressors of the reader, and what the runtime has not collected yet. */
const MAX_GROWTH = 256 * MIB;
const FORMATS: readonly [name: string, extension: string, packer: () => Duplex, bombMiB: number][] = [
  ["plain text", ".csv", () => new PassThrough(), 64],
  ["gzip", ".csv.gz", () => createGzip(), 512],
  ["zstd", ".csv.zst", () => createZstdCompress(), 512],
];

/** Reads the whole file. Returns its rows and by how many bytes the process grew at most. */
async function readWatched(file: string) {
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 5);
  try {
    const all = await readAll(file);
    return { ...all, growth: Math.max(peak, process.memoryUsage().rss) - before };
  } finally {
    clearInterval(watch);
  }
}
const reasonsOf = (skips: readonly { reason: string; line: number }[]) =>
  skips.map(({ reason, line }) => [reason, line]);

describe.each(FORMATS)("readCsvRows() on %s", (_name, extension, packer, bombMiB) => {
  /** Packs the text as one stream, so that few bytes of the file unpack to all of it. */
  const bombOf = async (front: string, part: string, times: number, back: string) => {
    const text = function* () {
      yield front;
      for (let time = 0; time < times; time++) yield part;
      yield back;
    };
    const packed = await Array.fromAsync(Readable.from(text(), { objectMode: false }).pipe(packer()));
    return files.write(`bomb${extension}`, Buffer.concat(packed));
  };

  test("skips a line of hundreds of megabytes in bounded memory", async () => {
    const file = await bombOf(csvText(rowLine(1)), "x".repeat(MIB), bombMiB, `\n${rowLine(2)}\n`);
    const { readings, skips, growth } = await readWatched(file);
    expect(readings).toHaveLength(2);
    expect(reasonsOf(skips)).toEqual([["too_long", 3]]);
    expect(growth).toBeLessThan(MAX_GROWTH);
  });

  test("skips a quoted field that hundreds of megabytes of lines never close", async () => {
    const line = `"${"x".repeat(65_533)}\n`;
    const file = await bombOf(csvText(rowLine(1)), line, bombMiB, `${rowLine(2)}\n`);
    const { readings, skips, growth } = await readWatched(file);
    expect(readings).toHaveLength(2);
    expect(skips).toHaveLength(bombMiB);
    expect(new Set(skips.map(({ reason }) => reason))).toEqual(new Set(["quote"]));
    expect(growth).toBeLessThan(MAX_GROWTH);
  });

  test("skips rows of 65,536 empty fields, with a short detail", async () => {
    const file = await bombOf(csvText(rowLine(1)), `${",".repeat(65_535)}\n`, 200, `${rowLine(2)}\n`);
    const { readings, skips, growth } = await readWatched(file);
    expect(readings).toHaveLength(2);
    expect(new Set(skips.map(({ reason, detail }) => `${reason}: ${detail}`))).toEqual(
      new Set(["fields: row must have 12 fields, as the header has, got 65536"]),
    );
    expect(skips).toHaveLength(200);
    expect(growth).toBeLessThan(MAX_GROWTH);
  });

  test("reads a header of thousands of columns, and rows that have as many", async () => {
    const extra = 20_000;
    const file = await bombOf(`${DCGM_HEADER}${",x".repeat(extra)}\n`, `${rowLine(1)}${",".repeat(extra)}\n`, 50, "");
    const { readings, skips, growth } = await readWatched(file);
    expect([readings.length, skips.length]).toEqual([50, 0]);
    expect(growth).toBeLessThan(MAX_GROWTH);
  });

  test("refuses a header that hundreds of megabytes do not end", async () => {
    const file = await bombOf(DCGM_HEADER, ",x".repeat(MIB / 2), bombMiB, "\n");
    const refusal = await openRows(file).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(refusal).toContain("the line is longer than 65536 bytes");
    expect(refusal.length).toBeLessThan(1000);
  });
});

test("readCsvRows() on compressed files decompresses once, and passes over thousands of empty members", async () => {
  for (const [extension, pack] of [
    [".csv.gz", gzipSync],
    [".csv.zst", zstdCompressSync],
  ] as const) {
    const twice = await files.write(`twice${extension}`, pack(pack(csvText(rowLine(1)))));
    await expect(openRows(twice)).rejects.toMatchObject({ code: "invalid" });
    const empty = Array.from({ length: 2000 }, () => pack(""));
    const file = await files.write(
      `empty${extension}`,
      Buffer.concat([pack(csvText(rowLine(1))), ...empty, pack(rowLine(2))]),
    );
    expect((await readAll(file)).readings).toHaveLength(2);
  }
});

test("readCsvRows() on zstd refuses a frame that asks for a window of terabytes", async () => {
  // Magic, a descriptor without flags, the largest window (RFC 8878 §3.1.1.1.2), and one raw last block.
  const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0x09, 0x00, 0x00]), Buffer.from("x")]);
  await expect(openRows(await files.write("window.csv.zst", frame))).rejects.toMatchObject({ code: "invalid" });
});
