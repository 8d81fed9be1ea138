/** Wide frames, which have a column per series, give the same readings as tables with a row per reading. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createTimeZone, type TimeZone } from "../../../schema/dcgm/time-zone.ts";
import { START } from "../../../services/sources/port.ts";
import {
  keepRows,
  readAny,
  readAnyInSteps,
  type TempFiles,
  tempFiles,
  untilEnd,
  withFormat,
} from "../../support/sources/dcgm-file.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const AT = Date.UTC(2025, 6, 18, 13, 48);
const [GPU_A, GPU_B] = ["a1", "b2"].map((end) => `GPU-6a000001-7a1c-4b2d-9e3f-0000000000${end}`) as [string, string];
const BERLIN = createTimeZone("Europe/Berlin") as TimeZone;

const lines = (...all: string[]) => `${all.join("\n")}\n`;
const write = (content: string | Uint8Array) => files.write("frame.csv", content);
const summary = ({ readings, skips }: Awaited<ReturnType<typeof readAny>>) => ({
  readings: readings.map(({ text }) => text.replace("DCGM_FI_DEV_", "")),
  skips: skips.map(({ reason, line }) => `${line} ${reason}`),
});
const read = async (content: string | Uint8Array, options = {}) =>
  summary(await readAny(await write(content), options));

const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
const series = (metric: string, uuid: string) => `DCGM_FI_DEV_${metric}{UUID="${uuid}",gpu="0",Hostname="n1"}`;

describe("a wide frame", () => {
  test("as Grafana joins series has the series in its header", async () => {
    const header = ["Time", series("GPU_TEMP", GPU_A), `{__name__="DCGM_FI_DEV_POWER_USAGE", UUID="${GPU_B}"}`];
    const content = lines(
      header.map(cell).join(","),
      "2025-07-18 15:48:00,41,310.5",
      `"2025-07-18 15:49:00","",311`,
      "2025-07-18 15:50:00,NaN,",
    );
    expect(await read(content, { zone: BERLIN })).toEqual({
      readings: [
        `${GPU_A} GPU_TEMP ${AT} 41`,
        `${GPU_B} POWER_USAGE ${AT} 310.5`,
        `${GPU_B} POWER_USAGE ${AT + 60_000} 311`,
      ],
      skips: [],
    });
  });

  test("with a column per metric has the labels of a row in columns of their own", async () => {
    const content = lines(
      "timestamp,UUID,Hostname,pod,namespace,DCGM_FI_DRIVER_VERSION,DCGM_FI_DEV_GPU_TEMP,dcgm_gpu_utilization",
      `2025-07-18T13:48:00Z,${GPU_A},n1,train-0,ml,550.90.07,41,99`,
      `2025-07-18T13:48:00Z,${GPU_B},n1,,,550.90.07,42,`,
    );
    const taken = await readAny(await write(content));
    expect(taken.readings[0]).toMatchObject({
      facts: { host: "n1", driver: "550.90.07" },
      holders: [{ pod: "train-0", namespace: "ml" }],
    });
    expect(summary(taken)).toEqual({
      readings: [`${GPU_A} GPU_TEMP ${AT} 41`, `${GPU_A} GPU_UTIL ${AT} 99`, `${GPU_B} GPU_TEMP ${AT} 42`],
      skips: [],
    });
  });

  test("as pandas pivots by metric and GPU has a header line per level", async () => {
    const expected = [`${GPU_A} GPU_TEMP ${AT} 41`, `${GPU_B} GPU_TEMP ${AT} 42`, `${GPU_B} POWER_USAGE ${AT} 310.5`];
    const levels = [
      "metric_name,DCGM_FI_DEV_GPU_TEMP,DCGM_FI_DEV_GPU_TEMP,DCGM_FI_DEV_POWER_USAGE",
      `uuid,${GPU_A},${GPU_B},${GPU_B}`,
      "timestamp,,,",
      "2025-07-18 13:48:00+00:00,41.0,42.0,310.5",
    ];
    expect((await read(lines(...levels))).readings).toEqual(expected);
    expect((await read(lines(",value,value,value", ...levels))).readings).toEqual(expected);
    const unnamed = ["", series("GPU_TEMP", GPU_A)].map(cell).join(",");
    expect((await read(lines(unnamed, "2025-07-18T13:48:00Z,41"))).readings).toEqual([`${GPU_A} GPU_TEMP ${AT} 41`]);
  });

  test("may have other separators, decimal commas, UTF-16 and epoch times", async () => {
    const expected = { readings: [`${GPU_A} GPU_TEMP ${AT} 41.5`], skips: [] };
    const head = cell(series("GPU_TEMP", GPU_A));
    expect(await read(lines(`Time;${head}`, `${AT};41,5`))).toEqual(expected);
    expect(await read(Buffer.from(`\ufeff${lines(`Time\t${head}`, `${AT / 1000}\t41.5`)}`, "utf16le"))).toEqual(
      expected,
    );
    expect(await read(`\ufeff${lines(`time|${head}`, "2025-07-18T13:48:00Z|41.5")}`)).toEqual(expected);
  });

  test("with a column named value is a table with a row per reading", async () => {
    const content = lines(
      "timestamp,metric_name,uuid,DCGM_FI_DEV_GPU_TEMP,value",
      `2025-07-18T13:48:00Z,DCGM_FI_DEV_POWER_USAGE,${GPU_A},41,310`,
    );
    expect(await read(content)).toEqual({ readings: [`${GPU_A} POWER_USAGE ${AT} 310`], skips: [] });
  });

  test("may begin again with other columns, also where a reader continues", async () => {
    const content = lines(
      ["Time", series("GPU_TEMP", GPU_A), series("FB_USED", GPU_A)].map(cell).join(","),
      "2025-07-18T13:48:00Z,41,1000",
      ["Time", "GPU 7", series("GPU_TEMP", GPU_B), series("GPU_TEMP", GPU_A)].map(cell).join(","),
      "2025-07-18T13:49:00Z,1,42,43",
      "2025-07-18T13:50:00Z,1,44,45",
    );
    const whole = await read(content);
    expect(whole).toEqual({
      readings: [
        [GPU_A, "GPU_TEMP", AT, 41],
        [GPU_A, "FB_USED", AT, 1000],
        [GPU_B, "GPU_TEMP", AT + 60_000, 42],
        [GPU_A, "GPU_TEMP", AT + 60_000, 43],
        [GPU_B, "GPU_TEMP", AT + 120_000, 44],
        [GPU_A, "GPU_TEMP", AT + 120_000, 45],
      ].map((parts) => parts.join(" ")),
      skips: ["3 metric"],
    });
    for (const length of [1, 2, 3]) {
      expect(summary(await readAnyInSteps(await write(content), length, { chunkBytes: 20 }))).toEqual(whole);
    }
  });

  test("loses only the cells and columns that cannot be read, each with its name", async () => {
    const content = lines(
      ["Time", series("GPU_TEMP", GPU_A), "GPU 1", `{UUID="${GPU_B}"}`, series("FB_USED", GPU_B)].map(cell).join(","),
      "2025-07-18T13:48:00Z,41 °C,5,6,1000",
      "yesterday,41,5,6,1000",
      "2025-07-18T13:49:00Z,42,5,6",
      "2025-07-18T13:50:00Z,43,5,6,1001",
    );
    const { readings, skips } = await readAny(await write(content));
    expect(readings.map(({ text }) => text.replace("DCGM_FI_DEV_", ""))).toEqual([
      `${GPU_B} FB_USED ${AT} 1000`,
      `${GPU_A} GPU_TEMP ${AT + 120_000} 43`,
      `${GPU_B} FB_USED ${AT + 120_000} 1001`,
    ]);
    expect(skips.map(({ reason, line, detail }) => `${line} ${reason} ${detail}`)).toEqual([
      expect.stringMatching(/^1 metric column 3 must have the name of a metric, .*, got "GPU 1"$/),
      expect.stringMatching(/^1 metric column 4: series must name its metric, got/),
      expect.stringMatching(
        /^2 value DCGM_FI_DEV_GPU_TEMP\{.*: value must be a number such as 42 or 0.5, got "41 °C"$/,
      ),
      expect.stringMatching(/^3 time /),
      "4 fields row must have 5 fields, as the header has, got 4",
    ]);
  });

  test("without any readable row fails, and the message names separator, time and number", async () => {
    const content = lines("Time;DCGM_FI_DEV_GPU_TEMP", "18.07.2025 13:48;41,5");
    await expect(read(content)).rejects.toThrow(/separator ";", first time "18.07.2025 13:48", first number "41,5"/);
    await expect(read(lines("Time,DCGM_FI_DEV_GPU_TEMP", "2025-07-18T13:48:00Z,41"))).rejects.toThrow(/uuid/i);
  });

  test("is read to the end of a last row that has no newline", async () => {
    const columns = ["GPU_TEMP", "FB_USED", "POWER_USAGE"].map((metric) => cell(series(metric, GPU_A)));
    const path = await write(`${["Time", ...columns].join(",")}\n2025-07-18T13:48:00Z,41,1000,310`);
    const readings = await withFormat(path, {}, async (format) => {
      await using reader = await format.readFrom(START);
      const kept = keepRows({ stopAfter: () => 1 });
      while ((await reader.read(kept, untilEnd)) === "stopped");
      return kept.readings;
    });
    expect(readings.map(({ text }) => text.split(" ").at(-1))).toEqual(["41", "1000", "310"]);
  });

  test("may have a header of more than 64 KiB", async () => {
    const gpus = Array.from({ length: 1000 }, (_, n) => `GPU-6a000001-7a1c-4b2d-9e3f-${String(n).padStart(12, "0")}`);
    const header = ["Time", ...gpus.map((uuid) => series("GPU_TEMP", uuid))].map(cell).join(",");
    const content = lines(header, `2025-07-18T13:48:00Z,${gpus.map((_, n) => n % 90).join(",")}`);
    const whole = await read(content);
    expect(whole.readings).toHaveLength(1000);
    expect(summary(await readAnyInSteps(await write(content), 400))).toEqual(whole);
  });

  test("gives the readings of the table that it was made of", async () => {
    const reading = fc.record({
      tick: fc.nat({ max: 6 }),
      metric: fc.constantFrom("GPU_TEMP", "POWER_USAGE", "FB_USED"),
      uuid: fc.constantFrom(GPU_A, GPU_B),
      value: fc.oneof(fc.integer({ min: 0, max: 90 }), fc.constant("warm")),
    });
    const table = fc.uniqueArray(reading, {
      selector: ({ tick, metric, uuid }) => `${tick} ${metric} ${uuid}`,
      minLength: 1,
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(7, 100, 1 << 20),
        async (rows, length, chunkBytes) => {
          const columns = [...new Set(rows.map(({ metric, uuid }) => series(metric, uuid)))];
          const ticks = [...new Set(rows.map(({ tick }) => tick))].sort();
          const valueIn = (tick: number, column: string) =>
            rows.find((row) => row.tick === tick && series(row.metric, row.uuid) === column)?.value ?? "";
          const content = lines(
            ["Time", ...columns].map(cell).join(","),
            ...ticks.map((tick) => [AT + tick * 1000, ...columns.map((column) => valueIn(tick, column))].join(",")),
          );
          const numbers = rows.filter(({ value }) => value !== "warm");
          fc.pre(numbers.length > 0);
          const expected = numbers.map(
            ({ tick, metric, uuid, value }) => `${uuid} ${metric} ${AT + tick * 1000} ${value}`,
          );
          const whole = await read(content, { chunkBytes });
          expect(whole.skips).toHaveLength(rows.length - numbers.length);
          expect(whole.readings.toSorted()).toEqual(expected.toSorted());
          expect(summary(await readAnyInSteps(await write(content), length, { chunkBytes }))).toEqual(whole);
        },
      ),
      { numRuns: 50 },
    );
  });
});
