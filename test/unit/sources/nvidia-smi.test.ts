/** Files of `nvidia-smi --query-gpu=… --format=csv` give readings with the names and units of the catalogue. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { utimes } from "node:fs/promises";
import { createTimeZone, type TimeZone } from "../../../schema/dcgm/time-zone.ts";
import { METRICS } from "../../../schema/model/metric.ts";
import { FIELD_METRICS } from "../../../services/sources/nvidia-smi/fields.ts";
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

const AT = Date.UTC(2025, 6, 18, 13, 48, 11, 412);
const UUID = "GPU-6a000001-7a1c-4b2d-9e3f-0000000000a1";
const lines = (...all: string[]) => `${all.join("\n")}\n`;
const write = (content: string, name = "rack4-n7.csv") => files.write(name, content);
const summary = ({ readings, skips }: Awaited<ReturnType<typeof readAny>>) => ({
  readings: readings.map(({ text }) => text.replace("DCGM_FI_DEV_", "")),
  skips: skips.map(({ reason, line }) => `${line} ${reason}`),
});
const BERLIN = createTimeZone("Europe/Berlin") as TimeZone;

describe("nvidia-smi CSV", () => {
  test("with units in header and values, local times and [N/A] is read", async () => {
    const path = await write(
      lines(
        "index, uuid, name, driver_version, timestamp, pstate, temperature.gpu, utilization.gpu [%], memory.used [MiB], power.draw [W], fan.speed [%], clocks_event_reasons.active",
        `0, ${UUID}, NVIDIA H100 80GB HBM3, 595.71.05, 2025/07/18 15:48:11.412, P0, 29, 99 %, 1486 MiB, 310.55 W, [N/A], 0x0000000000000004`,
        `0, ${UUID}, NVIDIA H100 80GB HBM3, 595.71.05, 2025/07/18 15:48:12.412, P8, 30, 0 %, 0 MiB, 61.20 W, [Not Supported], 0x0000000000000001`,
      ),
    );
    const read = await readAny(path, { zone: BERLIN });
    const row = (at: number, values: readonly (number | string)[]) =>
      ["PSTATE", "GPU_TEMP", "GPU_UTIL", "FB_USED", "POWER_USAGE", "CLOCKS_EVENT_REASONS"].map(
        (name, index) => `${UUID} ${name} ${at} ${values[index]}`,
      );
    expect(summary(read)).toEqual({
      readings: [...row(AT, [0, 29, 99, 1486, 310.55, 4]), ...row(AT + 1000, [8, 30, 0, 0, 61.2, 1])],
      skips: [],
    });
    expect(read.readings[0]?.facts).toMatchObject({
      index: "0",
      model: "NVIDIA H100 80GB HBM3",
      driver: "595.71.05",
      host: "rack4-n7",
    });
  });

  test("with nounits, and with other units than the catalogue's, gives the same values", async () => {
    const header = "timestamp, index, memory.used [MiB], power.draw [W]";
    const expected = [`HOST-n1-3 FB_USED ${AT} 1486`, `HOST-n1-3 POWER_USAGE ${AT} 310.5`];
    for (const values of ["1486, 310.5", "1486 MiB, 310.5 W", "1521664 KiB, 310500 mW", "1486.0 MiB, 310.50 W"]) {
      const path = await write(lines(header, `2025/07/18 13:48:11.412, 3, ${values}`));
      expect(summary(await readAny(path, { host: "n1" })).readings).toEqual(expected);
    }
  });

  test("names GPUs by uuid, index, bus id, or the only one of the host", async () => {
    const host = { host: "n1" };
    const tick = (header: string, ...ids: string[]) =>
      lines(
        `timestamp, ${header}temperature.gpu`,
        ...[0, 1].flatMap((second) => ids.map((id, gpu) => `2025/07/18 13:48:1${second}.41${gpu}, ${id}4${gpu}`)),
      );
    const gpus = async (content: string) =>
      summary(await readAny(await write(content), host)).readings.map((text) => text.split(" ")[0]);
    expect(await gpus(tick("uuid, ", `${UUID}, `))).toEqual([UUID, UUID]);
    expect(await gpus(tick("index, ", "0, ", "1, "))).toEqual(["HOST-n1-0", "HOST-n1-1", "HOST-n1-0", "HOST-n1-1"]);
    expect(await gpus(tick("pci.bus_id, ", "00000000:3B:00.0, ", "00000000:18:00.0, "))).toEqual([
      "HOST-n1-1",
      "HOST-n1-0",
      "HOST-n1-1",
      "HOST-n1-0",
    ]);
    expect(await gpus(tick("", ""))).toEqual(["HOST-n1-0", "HOST-n1-0"]);
    await expect(gpus(tick("", "", ""))).rejects.toMatchObject({
      message: expect.stringContaining("--query-gpu=index"),
    });
  });

  test("with a header inside, as restarted loops append it, changes its columns there", async () => {
    const content = lines(
      "timestamp, index, temperature.gpu",
      "2025/07/18 13:48:11.412, 0, 41",
      "timestamp, index, utilization.gpu [%], temperature.gpu",
      "2025/07/18 13:48:12.412, 0, 7 %, 42",
      "timestamp, index, temperature.gpu",
      "2025/07/18 13:48:13.412, 0, 43",
    );
    const whole = summary(await readAny(await write(content)));
    expect(whole).toEqual({
      readings: [
        "GPU_TEMP 1752846491412 41",
        "GPU_UTIL 1752846492412 7",
        "GPU_TEMP 1752846492412 42",
        "GPU_TEMP 1752846493412 43",
      ].map((text) => `HOST-rack4-n7-0 ${text}`),
      skips: [],
    });
    for (const length of [1, 2, 3]) {
      expect(summary(await readAnyInSteps(await write(content), length, { chunkBytes: 20 }))).toEqual(whole);
    }
  });

  test("reports a bad value once, also when a reader continues inside its line", async () => {
    const path = await write(
      lines(
        "timestamp, index, temperature.gpu, fan.speed [%], power.draw [W]",
        "2025/07/18 13:48:11.412, 0, 41, x, 60 W",
      ),
    );
    const whole = summary(await readAny(path));
    expect(whole.skips).toEqual(["2 value"]);
    expect(summary(await readAnyInSteps(path, 1))).toEqual(whole);
  });

  test("without times has the time at which the file was written", async () => {
    const path = await write(lines("index, temperature.gpu", "0, 41", "1, 42"));
    await utimes(path, AT / 1000, AT / 1000);
    expect(summary(await readAny(path, { zone: BERLIN })).readings).toEqual([
      `HOST-rack4-n7-0 GPU_TEMP ${AT} 41`,
      `HOST-rack4-n7-1 GPU_TEMP ${AT} 42`,
    ]);
  });

  test("skips a bad row with its line, and reads the rows around it", async () => {
    const row = (rest: string) => `2025/07/18 13:48:11.412, 0, ${rest}`;
    const path = await write(
      lines(
        "timestamp, index, temperature.gpu, power.draw [W]",
        row("41, 61 W"),
        row("42"),
        "18.07.2025, 0, 43, 1 W",
        row("x, 64 W"),
        row("[N/A], [N/A]"),
        row("44, 3 V"),
      ),
    );
    expect(summary(await readAny(path))).toEqual({
      readings: ["GPU_TEMP 41", "POWER_USAGE 61", "POWER_USAGE 64", "GPU_TEMP 44"].map((text) => {
        const [metric, value] = text.split(" ");
        return `HOST-rack4-n7-0 ${metric} ${AT} ${value}`;
      }),
      skips: ["3 fields", "4 time", "5 value", "6 blank", "7 value"],
    });
  });

  test("continues inside a row in the hour that comes twice", async () => {
    const content = lines(
      "timestamp, index, temperature.gpu, power.draw [W]",
      ...["02:10:00", "02:50:00", "02:10:00", "02:50:00", "03:10:00"].map(
        (time) => `2024/10/27 ${time}.000, 0, 41, 61 W`,
      ),
    );
    const path = await write(content);
    const whole = summary(await readAny(path, { zone: BERLIN }));
    expect(new Set(whole.readings).size).toBe(10);
    for (const length of [1, 3]) {
      expect(summary(await readAnyInSteps(path, length, { zone: BERLIN }))).toEqual(whole);
    }
  });

  test("hands nothing over of a row that a stop has divided twice", async () => {
    const path = await write(
      lines("timestamp, index, temperature.gpu, power.draw [W]", "2025/07/18 13:48:11.412, 0, 41, 61 W"),
    );
    await withFormat(path, {}, async (format) => {
      await using reader = await format.readFrom({ offset: 0, line: 1 });
      const kept = keepRows({ stopAfter: () => 1 });
      expect(await reader.read(kept, untilEnd)).toBe("stopped");
      expect(reader.place).toMatchObject({ line: 2, taken: 1 });
      while ((await reader.read(kept, untilEnd)) === "stopped");
      expect(kept.readings).toHaveLength(2);
    });
  });
});

test("the table of nvidia-smi's fields names metrics of the catalogue", () => {
  for (const metric of Object.values(FIELD_METRICS)) expect(Object.keys(METRICS)).toContain(metric);
});
