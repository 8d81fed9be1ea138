/** Header lines inside a CSV file, names of columns in any case, and labels in other notations. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readAny, readAnyInSteps, type TempFiles, tempFiles } from "../../support/sources/dcgm-file.ts";

let files: TempFiles;
beforeAll(async () => {
  files = await tempFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const UUID = "GPU-7b000001-7a1c-4b2d-9e3f-0000000000b1";
const AT = Date.UTC(2025, 6, 18, 20, 42, 34);
const lines = (...all: string[]) => `${all.join("\n")}\n`;
const texts = ({ readings, skips }: Awaited<ReturnType<typeof readAny>>) => ({
  readings: readings.map(({ text }) => text),
  skips: skips.map(({ reason, line }) => `${line} ${reason}`),
});
const second = (index: number) => AT / 1000 + index;

const PER_SERIES = lines(
  "timestamp,__name__,UUID,value",
  `${second(0)},DCGM_FI_DEV_GPU_TEMP,${UUID},1`,
  `${second(1)},DCGM_FI_DEV_GPU_TEMP,${UUID},2`,
  "timestamp,__name__,UUID,value",
  `${second(2)},DCGM_FI_DEV_GPU_UTIL,${UUID},3`,
  "value,UUID,Time,gpu,__name__",
  `4,${UUID},${second(3)},0,DCGM_FI_DEV_GPU_UTIL`,
  `5,${UUID},${second(4)},0,DCGM_FI_DEV_GPU_UTIL`,
  "timestamp,__name__,UUID,value",
  `${second(5)},DCGM_FI_DEV_GPU_TEMP,${UUID},6`,
);
const EXPECTED = ["TEMP", "TEMP", "UTIL", "UTIL", "UTIL", "TEMP"].map(
  (name, index) => `${UUID} DCGM_FI_DEV_GPU_${name} ${AT + index * 1000} ${index + 1}`,
);

test.each([
  ["commas", PER_SERIES],
  ["semicolons", PER_SERIES.replaceAll(",", ";")],
  ["UTF-16", Buffer.from(`\uFEFF${PER_SERIES}`, "utf16le")],
])("a header line inside a file with %s begins a section, and a reader that continues knows it", async (_, content) => {
  const path = await files.write("sections.csv", content);
  expect(texts(await readAny(path))).toEqual({ readings: EXPECTED, skips: [] });
  for (const length of [1, 2, 3, 4]) {
    expect(texts(await readAnyInSteps(path, length, { chunkBytes: 30 }))).toEqual({ readings: EXPECTED, skips: [] });
  }
});

test.each([
  ["Time,Metric,uuid,Value", "Grafana's names"],
  ["TIMESTAMP,METRIC_NAME,Uuid,VALUE", "names in other cases"],
  ["time,__name__,GPU_UUID,value", "names of Prometheus tools"],
])("the columns %s are found (%s)", async (header) => {
  const path = await files.write("names.csv", lines(header, `${second(0)},DCGM_FI_DEV_GPU_TEMP,${UUID},1`));
  expect(texts(await readAny(path))).toEqual({ readings: EXPECTED.slice(0, 1), skips: [] });
});

describe("labels_raw", () => {
  const read = async (labels: string) => {
    const row = `${second(0)},DCGM_FI_DEV_GPU_TEMP,${UUID},1,"${labels.replaceAll('"', '""')}"`;
    return await readAny(await files.write("raw.csv", lines("timestamp,__name__,uuid,value,labels_raw", row)));
  };

  test.each([
    `{gpu="3",Hostname="n1"}`,
    `DCGM_FI_DEV_GPU_TEMP{gpu="3", Hostname="n1",}`,
    `{"gpu":"3","Hostname":"n1"}`,
    `gpu="3","k8s.node.name"="n1",Hostname="n1"`,
    `{"DCGM_FI_DEV_GPU_TEMP", gpu="3", Hostname="n1"}`,
  ])("may be %s", async (labels) => {
    const { readings } = await read(labels);
    expect(readings).toMatchObject([{ text: EXPECTED[0], facts: { index: "3", host: "n1" } }]);
  });

  test("may be empty braces", async () => {
    expect((await read("{}")).readings).toMatchObject([{ text: EXPECTED[0], facts: { index: "" } }]);
  });

  test.each([`gpu="0",GPU_I_ID="3`, `{"GPU_I_ID":"3`, `{gpu="0",GPU_I_ID=`])(
    "that is cut short costs the row, because the cut may hide what tells series apart: %s",
    async (labels) => {
      const path = await files.write(
        "cut.csv",
        lines(
          "timestamp,__name__,uuid,value,labels_raw",
          `${second(0)},DCGM_FI_DEV_GPU_TEMP,${UUID},1,`,
          `${second(1)},DCGM_FI_DEV_GPU_TEMP,${UUID},2,"${labels.replaceAll('"', '""')}"`,
        ),
      );
      expect(texts(await readAny(path))).toEqual({ readings: EXPECTED.slice(0, 1), skips: ["3 labels"] });
    },
  );
});
