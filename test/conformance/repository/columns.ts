/** Columns: the merged readings of series over time. `model.ts` compares them with the reference model, too. */
import { expect, test } from "bun:test";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { ColumnsPart } from "../../../services/repository/columns.ts";
import { joinedColumns } from "../../support/repository/joined-columns.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  GPU,
  HOUR,
  type OpenRepository,
  type Row,
  START,
  TEMP,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

const ALL = { metrics: [UTIL, TEMP], window: ALL_TIME, resolution: "raw" } as const;

export function columnsConformance(open: OpenRepository): void {
  test("repository.columns() yields each series of a metric, merged, in order of GPUs and series", async () => {
    await using bench = await open();
    const rows = (gpu: number, value: number): Row[] => [
      [ENGINE_7, 1000, value, factsOf(gpu, { instance: "7" })],
      [ENGINE_3, 1000, value + 1, factsOf(gpu, { instance: "3" })],
      [UTIL, 1000, 99, factsOf(gpu)],
    ];
    await bench.repository.save([batchOf([...rows(1, 0.25), ...rows(2, 0.5)])]);
    await bench.repository.save([batchOf([...rows(2, 0.75), ...rows(1, 0.125)], { seq: 2 })]);
    const parts: ColumnsPart[] = [];
    const query = { ...ALL, metrics: ["DCGM_FI_PROF_GR_ENGINE_ACTIVE"] };
    for await (const part of bench.repository.columns([uuidOf(2), GPU, uuidOf(9), uuidOf(2)], query)) parts.push(part);
    expect(
      parts.map(({ gpu, columns }) => [gpu, columns.map(({ series, at, values }) => [series, ...at, ...values])]),
    ).toEqual([
      [
        uuidOf(2),
        [
          [ENGINE_3, START + 1000, 1.75],
          [ENGINE_7, START + 1000, 0.75],
        ],
      ],
      [
        GPU,
        [
          [ENGINE_3, START + 1000, 1.25],
          [ENGINE_7, START + 1000, 0.25],
        ],
      ],
    ]);
  });

  test("repository.columns() cuts readings and marks to the window, which is half-open", async () => {
    await using bench = await open();
    await bench.clock.advance(3 * HOUR);
    const times = [0, 1000, HOUR - 1, HOUR, HOUR + 1000];
    await bench.repository.save([batchOf(times.map((at, value): Row => [UTIL, at, value]))]);
    await bench.repository.save([
      batchOf([
        [TEMP, 500, Number.NaN],
        [TEMP, HOUR, Number.NaN],
        [TEMP, 0, 40],
      ]),
    ]);
    const window = windowOf(1000, HOUR + 1000);
    expect(await joinedColumns(bench.repository.columns([GPU], { ...ALL, window }))).toEqual({
      [`${GPU} ${UTIL}`]: { at: [1000, HOUR - 1, HOUR].map((at) => START + at), values: [1, 2, 3], marks: [] },
      [`${GPU} ${TEMP}`]: { at: [], values: [], marks: [START + HOUR] },
    });
    expect(await joinedColumns(bench.repository.columns([GPU], { ...ALL, window: windowOf(1, 1) }))).toEqual({});
  });

  test("repository.columns() yields each reading of a long window once, also while others are written", async () => {
    await using bench = await open();
    await bench.clock.advance(100 * HOUR);
    const perHour = 360;
    for (let hour = 0; hour < 12; hour++) {
      const rows = Array.from({ length: perHour }, (_, second): Row => [UTIL, hour * HOUR + second * 10_000, second]);
      await bench.repository.save([batchOf(rows, { seq: hour + 1 })]);
    }
    let [parts, readings, last] = [0, 0, 0];
    for await (const { columns } of bench.repository.columns([GPU], ALL)) {
      parts++;
      const [{ at, values } = { at: [], values: [] }] = columns;
      for (const [index, time] of at.entries()) {
        expect(time).toBeGreaterThan(last);
        expect(values[index]).toBe(((time - START) / 10_000) % perHour);
        last = time;
      }
      readings += at.length;
      // A reader that pauses sees no reading twice, whatever is written.
      if (parts === 1) await bench.repository.save([batchOf([[UTIL, 500, 1]], { seq: 1000 })]);
    }
    expect(readings).toBe(12 * perHour);
  }, 60_000);

  test("repository.columns() ends when its signal is aborted", async () => {
    await using bench = await open();
    await bench.repository.save([
      batchOf([
        [UTIL, 0, 1],
        [UTIL, 0, 1, factsOf(2)],
      ]),
    ]);
    const controller = new AbortController();
    const seen: string[] = [];
    const read = async () => {
      for await (const { gpu } of bench.repository.columns([GPU, uuidOf(2)], { ...ALL, signal: controller.signal })) {
        seen.push(gpu);
        controller.abort(new Error("enough"));
      }
    };
    await expect(read()).rejects.toThrow("enough");
    expect(seen).toEqual([GPU]);
  });
}
