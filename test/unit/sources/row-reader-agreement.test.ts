/** For any file, row shapes, the full parser and a simple model on csv-parse give the same readings and skips. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { createTimeZone, type TimeZone, UTC } from "../../../schema/dcgm/time-zone.ts";
import { LineFields, parseRecord } from "../../../services/sources/csv/line-fields.ts";
import type { Place } from "../../../services/sources/port.ts";
import { anyCsv } from "../../support/sources/csv-arbitrary.ts";
import { readByModel } from "../../support/sources/csv-model.ts";
import {
  keepRows,
  openRows,
  readAll,
  rowClock,
  type TempFiles,
  tempFiles,
  untilEnd,
} from "../../support/sources/dcgm-file.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

interface Handed {
  readonly readings: { text: string; facts: unknown }[];
  readonly skips: { reason: string; line: number }[];
}
const texts = ({ readings, skips }: Handed) => ({
  readings: readings.map(({ text, facts }) => `${text} ${JSON.stringify(facts)}`),
  skips: skips.map(({ reason, line }) => `${line} ${reason}`),
});

const endsWithNewline = (content: Buffer) => content.at(-1) === 0x0a;
const anyZone = fc.constantFrom(UTC, createTimeZone("Europe/Berlin") as TimeZone);
const WITHOUT_SHAPES = { shapes: 0, bytes: 0 };

test("readCsvRows() agrees with the model on csv-parse, with and without row shapes, for any chunk size", async () => {
  await fc.assert(
    fc.asyncProperty(anyCsv, fc.integer({ min: 1, max: 3000 }), anyZone, async (content, chunkBytes, zone) => {
      const file = await files.write("any.csv", content);
      const fast = texts(await readAll(file, { zone }));
      expect(texts(await readAll(file, { zone, shapes: WITHOUT_SHAPES }))).toEqual(fast);
      expect(texts(await readAll(file, { zone, chunkBytes }))).toEqual(fast);
      expect(texts(await readAll(file, { zone, shapes: { shapes: 3, bytes: 2000 } }))).toEqual(fast);
      if (endsWithNewline(content)) expect(texts(readByModel(content, zone))).toEqual(fast);
    }),
    { numRuns: 300 },
  );
}, 60_000);

/** Reads in steps: `stops` are their lengths in readings, `reopen` says which start a new reader. */
async function readInSteps(file: string, stops: readonly number[], reopen: readonly boolean[], zone: TimeZone) {
  const next = { at: 0 };
  const kept = keepRows({ stopAfter: () => stops[next.at++ % stops.length] as number });
  let place: Place | undefined;
  for (let step = 0; ; ) {
    await using reader = await openRows(file, { clock: rowClock, from: place, zone, chunkBytes: 1500 });
    for (let again = true; again; again = !reopen[step++ % reopen.length]) {
      const outcome = await reader.read(kept, untilEnd);
      place = reader.place;
      if (outcome === "end") return kept;
    }
  }
}

test("RowReader.read() stops after any row and continues there, in the same reader and in a new one", async () => {
  const stops = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      anyCsv,
      stops,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
      anyZone,
      async (content, after, reopen, zone) => {
        const file = await files.write("steps.csv", content);
        expect(texts(await readInSteps(file, after, reopen, zone))).toEqual(texts(await readAll(file, { zone })));
      },
    ),
    { numRuns: 200 },
  );
}, 60_000);

test("LineFields.scan() finds the same fields as csv-parse, or leaves the line to it", () => {
  const fields = new LineFields(1000);
  const texts = fc.array(fc.constantFrom('"', '""', ",", "a", " ", "é", "\r", "1.5"), { minLength: 1, maxLength: 14 });
  fc.assert(
    fc.property(texts, (parts) => {
      const bytes = Buffer.from(parts.join(""));
      const record = parseRecord(bytes.toString());
      if (fields.scan(bytes, 0, bytes.length, 1000)) expect(record).toEqual({ kind: "fields", fields: fields.texts() });
      else expect(record.kind).not.toBe("fields");
    }),
    { numRuns: 5000 },
  );
});
