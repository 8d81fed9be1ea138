import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rename, utimes } from "node:fs/promises";
import {
  csvText,
  gpuUuid,
  keepRows,
  openRows,
  readAll,
  rowClock,
  rowFields,
  rowLine,
  type TempFiles,
  tempFiles,
  untilEnd,
} from "../../support/sources/dcgm-file.ts";
import { eventually } from "../../support/time/eventually.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const AT = Date.UTC(2025, 6, 18, 20, 42, 34);
const reading = (n: number) => `${gpuUuid(n)} DCGM_FI_DEV_GPU_UTIL ${AT} ${n}`;
const good = (n: number) => rowLine(n, { value: String(n) });
const texts = (kept: { readings: { text: string }[] }) => kept.readings.map(({ text }) => text);

describe("readCsvRows() on a file that ends inside a row", () => {
  test("takes a row cut at any byte if it is whole, otherwise skips it as truncated and reads it whole later", async () => {
    const before = csvText(good(1), good(2));
    const last = good(3);
    for (let cut = 1; cut <= last.length; cut++) {
      const file = await files.write("cut.csv", before + last.slice(0, cut));
      await using reader = await openRows(file, { clock: rowClock });
      const first = keepRows();
      expect(await reader.read(first, untilEnd)).toBe("end");
      const isWhole = cut === last.length;
      expect(texts(first)).toEqual([1, 2, ...(isWhole ? [3] : [])].map(reading));
      expect(first.skips.map(({ reason, line }) => [reason, line])).toEqual(isWhole ? [] : [["truncated", 4]]);
      await files.append("cut.csv", `${last.slice(cut)}\n${good(4)}\n`);
      const rest = await readAll(file, { from: reader.place });
      expect([...texts(first), ...texts(rest)]).toEqual([1, 2, 3, 4].map(reading));
      expect(rest.skips).toEqual([]);
      expect(rest.place.line).toBe(6);
    }
  });

  const unquoted = (value: string) => {
    const { timestamp, metric_name, uuid, Hostname } = rowFields(3);
    return [timestamp, metric_name, uuid, Hostname, value].join(",");
  };
  const header = "timestamp,metric_name,uuid,Hostname,value\n";

  test("waits for the rest of an unquoted last field that is being written", async () => {
    const file = await files.write("growing.csv", `${header}${unquoted("1")}\n${unquoted("4")}`);
    const clock = new ManualClock(Date.UTC(2025, 6, 20));
    await using reader = await openRows(file, { clock });
    const kept = keepRows();
    const reads = reader.read(kept, untilEnd);
    await eventually(() => clock.sleeping === 1, { what: "the reader waits for the file to grow" });
    expect(kept.readings).toHaveLength(1);
    await files.append("growing.csv", `2\n${unquoted("5")}`);
    await clock.advance(2000);
    await eventually(() => clock.sleeping === 1, { what: "the reader waits for the file to grow again" });
    await clock.advance(2000);
    expect(await reads).toBe("end");
    expect(texts(kept).map((text) => text.split(" ").at(-1))).toEqual(["1", "42", "5"]);
    expect(kept.skips).toEqual([]);
  });

  test("takes an unquoted last field at once if the file has not changed for long", async () => {
    const file = await files.write("old.csv", `${header}${unquoted("1")}\n${unquoted("4")}`);
    const clock = new ManualClock(Date.UTC(2025, 6, 20));
    await utimes(file, clock.now() / 1000 - 10, clock.now() / 1000 - 10);
    expect((await readAll(file, { clock })).readings).toHaveLength(2);
  });

  test("stops waiting when the signal aborts, and leaves the place before the row", async () => {
    const file = await files.write("waiting.csv", `${header}${unquoted("1")}\n${unquoted("4")}`);
    const clock = new ManualClock(Date.UTC(2025, 6, 20));
    await using reader = await openRows(file, { clock });
    const controller = new AbortController();
    const kept = keepRows();
    const reads = reader.read(kept, { signal: controller.signal });
    await eventually(() => clock.sleeping === 1, { what: "the reader waits for the file to grow" });
    controller.abort();
    expect(await reads).toBe("stopped");
    expect(kept.readings).toHaveLength(1);
    expect(reader.place).toEqual({ offset: header.length + unquoted("1").length + 1, line: 3 });
  });

  test("ends a row at a carriage return whose line feed is not written yet", async () => {
    const file = await files.write("return.csv", `${csvText(good(1)).replaceAll("\n", "\r\n")}${good(2)}\r`);
    const first = await readAll(file);
    await files.append("return.csv", `\n${good(3)}\r\n`);
    const rest = await readAll(file, { from: first.place });
    expect([...texts(first), ...texts(rest)]).toEqual([1, 2, 3].map(reading));
    expect([...first.skips, ...rest.skips]).toEqual([]);
  });

  test("skips an unfinished line that is too long, and leaves the place before it", async () => {
    const file = await files.write("long.csv", csvText(good(1)) + "x".repeat(200_000));
    const first = await readAll(file);
    expect(first.skips.map(({ reason, line }) => [reason, line])).toEqual([["too_long", 3]]);
    await files.append("long.csv", `${good(9)}\n${good(2)}\n`);
    const rest = await readAll(file, { from: first.place });
    expect(texts(rest)).toEqual([reading(2)]);
    expect(rest.skips.map(({ reason, line }) => [reason, line])).toEqual([["too_long", 3]]);
  });
});

describe("readCsvRows() on a file that changes while it is read", () => {
  test("reads rows appended before it reaches the end", async () => {
    const file = await files.write("appended.csv", csvText(...Array.from({ length: 2000 }, () => good(1))));
    await using reader = await openRows(file, { clock: rowClock, chunkBytes: 65_536 });
    const kept = keepRows({ stopAfter: () => 100 });
    expect(await reader.read(kept, untilEnd)).toBe("stopped");
    await files.append("appended.csv", `${good(2)}\n`);
    while ((await reader.read(kept, untilEnd)) === "stopped") {}
    expect(kept.readings).toHaveLength(2001);
    expect(texts(kept).at(-1)).toBe(reading(2));
  });

  test("keeps reading the file it opened when another takes its name", async () => {
    const file = await files.write("renamed.csv", csvText(...Array.from({ length: 2000 }, () => good(1))));
    await using reader = await openRows(file, { clock: rowClock, chunkBytes: 65_536 });
    const kept = keepRows({ stopAfter: () => 1900 });
    await reader.read(kept, untilEnd);
    const other = await files.write("other.csv", csvText(good(2)));
    await rename(other, file);
    await reader.read(kept, untilEnd);
    expect(texts(kept)).toEqual(Array.from({ length: 2000 }, () => reading(1)));
  });

  test("reads nothing from a place behind the end of a file that was cut back", async () => {
    const file = await files.write("shrunk.csv", csvText(good(1)));
    const rest = await readAll(file, { from: { offset: 1_000_000, line: 5000 } });
    expect(rest).toMatchObject({ readings: [], skips: [], place: { offset: 1_000_000, line: 5000 } });
  });
});

test("readCsvRows() starts at the first row for a place before it", async () => {
  const file = await files.write("start.csv", csvText(good(1)));
  expect(texts(await readAll(file, { from: { offset: 0, line: 1 } }))).toEqual([reading(1)]);
});

test("RowReader.read() returns stopped for an aborted signal and continues later", async () => {
  const file = await files.write("aborted.csv", csvText(good(1)));
  await using reader = await openRows(file, { clock: rowClock });
  const kept = keepRows();
  expect(await reader.read(kept, { signal: AbortSignal.abort() })).toBe("stopped");
  expect(kept.readings).toEqual([]);
  expect(await reader.read(kept, untilEnd)).toBe("end");
  expect(await reader.read(kept, untilEnd)).toBe("end");
  expect(texts(kept)).toEqual([reading(1)]);
});
