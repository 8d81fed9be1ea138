import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  csvText,
  keepRows,
  openRows,
  readAll,
  rowClock,
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

const ROWS = 5000;
const rows = Array.from({ length: ROWS }, (_, n) =>
  rowLine(n % 7, { value: String(Math.sin(n)), Hostname: `node-${(n * 7919) % 5000}` }),
);
const content = csvText(...rows);
const unpacked = Buffer.byteLength(content);
const values = (kept: { readings: { text: string }[] }) => kept.readings.map(({ text }) => text.split(" ").at(-1));
const allValues = rows.map((_, n) => String(Math.sin(n)));

/** Reads until the reader throws. Returns the rows read until then, the error, and the reader's place. */
async function readUntilDamage(file: string) {
  await using reader = await openRows(file, { clock: rowClock });
  const kept = keepRows();
  const error = await reader.read(kept, untilEnd).then(
    () => undefined,
    (damage: Error) => damage,
  );
  return { kept, error, place: reader.place };
}

const half = Buffer.byteLength(csvText(...rows.slice(0, ROWS / 2)));
const [front, back] = [content.slice(0, half), content.slice(half)];
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

describe.each([
  ["gzip", ".csv.gz", gzipSync],
  ["zstd", ".csv.zst", zstdCompressSync],
] as const)("readCsvRows() on %s", (_, extension, pack) => {
  const write = (name: string, bytes: Uint8Array) => files.write(`${name}${extension}`, bytes);

  test("hands over the rows of the plain file and counts compressed bytes", async () => {
    const packed = pack(content);
    const all = await readAll(await write("whole", packed));
    expect(values(all)).toEqual(allValues);
    expect(all.place).toEqual({ offset: unpacked, line: ROWS + 2 });
    expect(all.bytesRead).toBe(packed.length);
  });

  test("continues after the first member or frame", async () => {
    const all = await readAll(await write("joined", Buffer.concat([pack(front), pack(""), pack(back)])));
    expect(values(all)).toEqual(allValues);
  });

  test("continues from any place", async () => {
    const file = await write("resumed", pack(content));
    await using reader = await openRows(file, { clock: rowClock });
    const kept = keepRows({ stopAfter: () => 1234 });
    expect(await reader.read(kept, untilEnd)).toBe("stopped");
    const rest = await readAll(file, { from: reader.place });
    expect([...values(kept), ...values(rest)]).toEqual(allValues);
  });

  test("hands over the rows of a file cut short, then throws with file and place", async () => {
    const packed = pack(content);
    for (const cut of [packed.length - 1, packed.length - 9, Math.floor(packed.length / 2)]) {
      const file = await write("cut", packed.subarray(0, cut));
      const { kept, error, place } = await readUntilDamage(file);
      expect(error).toMatchObject({ name: "AppError", code: "invalid" });
      expect(error?.message).toContain(file);
      expect(error?.message).toMatch(/damaged or cut short at byte \d+ \(\d+ decompressed\)/);
      expect(values(kept)).toEqual(allValues.slice(0, kept.readings.length));
      expect(kept.readings.length).toBeGreaterThan(ROWS / 4);
      expect(place.line).toBe(kept.readings.length + 2);
      expect(kept.skips).toEqual([]);
    }
  });

  test("rejects a file that is in another format or empty", async () => {
    await expect(openRows(await write("text", Buffer.from(content)))).rejects.toMatchObject({ code: "invalid" });
    await expect(openRows(await write("nothing", Buffer.alloc(0)))).rejects.toMatchObject({ code: "invalid" });
  });

  test("takes a last row without a newline, without waiting for more", async () => {
    const unquoted =
      "timestamp,metric_name,uuid,Hostname,value\n2025-07-18T20:42:34Z,m,GPU-5fd4f087-86f3-7a43-b711-4771313afc50,h,4";
    const sleepless = { ...rowClock, sleep: () => Promise.reject(new Error("must not wait")) };
    const all = await readAll(await write("last", pack(unquoted)), { clock: sleepless });
    expect(values(all)).toEqual(["4"]);
  });
});

test("readCsvRows() on gzip hands over the rows before damaged bytes", async () => {
  const packed = gzipSync(content);
  packed.fill(0xff, packed.length / 2, packed.length / 2 + 64);
  const { kept, error } = await readUntilDamage(await files.write("damaged.csv.gz", packed));
  expect(error).toMatchObject({ code: "invalid" });
  expect(values(kept).slice(0, 1000)).toEqual(allValues.slice(0, 1000));
});

test("readCsvRows() on zstd ignores skippable frames", async () => {
  const bytes = Buffer.concat([skippable, zstdCompressSync(front), skippable, zstdCompressSync(back), skippable]);
  expect(values(await readAll(await files.write("skippable.csv.zst", bytes)))).toEqual(allValues);
});

test("readCsvRows() reads the committed sample without a skip", async () => {
  const { readings, skips } = await readAll(new URL("../../../data/sample.csv.gz", import.meta.url).pathname, {
    clock: { ...rowClock, now: Date.now },
  });
  expect(readings.length).toBeGreaterThan(10_000);
  expect(new Set(skips.map(({ reason }) => reason))).toEqual(new Set());
});
