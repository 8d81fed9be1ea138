/** Conformance of conflation: subscribers that are slower than the readings, on purpose or not. */
import { expect, test } from "bun:test";
import { MAX_FRAME_READINGS } from "../../../services/live-feed/port.ts";
import { batchOfReadings } from "../../support/collector/batches.ts";
import { isPending } from "../../support/time/pending.ts";
import { frame, live, type OpenLiveFeed, POWER, publish, values, watch } from "./bench.ts";

export function conflationConformance(open: OpenLiveFeed): void {
  test("liveFeed.subscribe() yields the newest value per GPU and series, and counts the values it replaced", async () => {
    await using bench = await open();
    const frames = await watch(bench);
    await publish(bench, { after: 0, value: 1 }, { after: 1000, value: 2 }, { series: POWER, after: 0, value: 300 });
    await publish(bench, { after: 2000, value: 3 }, { gpu: 2, after: 2000, value: 4 });
    expect(await frame(frames)).toEqual({
      readings: [
        live({ after: 2000, value: 3 }),
        live({ series: POWER, after: 0, value: 300 }),
        live({ gpu: 2, after: 2000, value: 4 }),
      ],
      missed: 2,
    });
    await publish(bench, { after: 3000, value: 5 });
    expect(await frame(frames)).toEqual({ readings: [live({ after: 3000, value: 5 })], missed: 0 });
  });

  test("liveFeed.subscribe() keeps the newest value by the reading's time, not by arrival", async () => {
    await using bench = await open();
    const frames = await watch(bench);
    await publish(bench, { after: 5000, value: 5 });
    await publish(bench, { after: 1000, value: 1 });
    expect(await frame(frames)).toEqual({ readings: [live({ after: 5000, value: 5 })], missed: 1 });
  });

  test("liveFeed.subscribe() ignores a repeated reading, and keeps the larger of two values at one time", async () => {
    await using bench = await open();
    const frames = await watch(bench);
    await publish(bench, { value: 5 });
    await publish(bench, { value: 5 });
    expect(await frame(frames)).toEqual({ readings: [live({ value: 5 })], missed: 0 });
    await publish(bench, { value: 7 });
    await publish(bench, { value: 6 });
    expect(await frame(frames)).toEqual({ readings: [live({ value: 7 })], missed: 1 });
  });

  test("liveFeed.subscribe() yields a frame at once, then at most one per minIntervalMs", async () => {
    await using bench = await open();
    const frames = await watch(bench, { minIntervalMs: 1000 });
    await publish(bench, { after: 0, value: 1 });
    expect(await values(frames)).toEqual([1]);
    const second = frame(frames);
    await publish(bench, { after: 1000, value: 2 });
    await bench.advance(999);
    expect(await isPending(second)).toBe(true);
    await publish(bench, { after: 2000, value: 3 });
    await bench.advance(1);
    expect(await second).toEqual({ readings: [live({ after: 2000, value: 3 })], missed: 1 });
    await bench.advance(999);
    await publish(bench, { after: 3000, value: 4 });
    const third = frame(frames);
    expect(await isPending(third)).toBe(true);
    await bench.advance(1);
    expect((await third).readings).toEqual([live({ after: 3000, value: 4 })]);
    await bench.advance(60_000);
    const fourth = frame(frames);
    expect(await isPending(fourth)).toBe(true);
    await publish(bench, { after: 4000, value: 5 });
    await bench.advance(9);
    expect(await isPending(fourth)).toBe(true);
    await publish(bench, { gpu: 2, after: 4000, value: 6 });
    await bench.advance(1);
    expect((await fourth).readings).toEqual([live({ after: 4000, value: 5 }), live({ gpu: 2, after: 4000, value: 6 })]);
  });

  test("liveFeed.subscribe() yields what is published together in one frame to a reader that waits", async () => {
    await using bench = await open();
    const frames = await watch(bench);
    const waiting = frame(frames);
    await publish(bench, { value: 1 }, { series: POWER, value: 300 }, { series: POWER, after: 1000, value: 310 });
    const readings = [live({ value: 1 }), live({ series: POWER, after: 1000, value: 310 })];
    expect(await waiting).toEqual({ readings, missed: 1 });
  });

  test("liveFeed.subscribe() does not let an idle reader hold back the others", async () => {
    await using bench = await open();
    const stuck = await watch(bench);
    const quick = await watch(bench);
    for (let tick = 1; tick <= 50; tick++) {
      await publish(bench, { after: tick * 1000, value: tick }, { gpu: 2, after: tick * 1000, value: -tick });
      expect(await values(quick)).toEqual([tick, -tick]);
    }
    expect(await frame(stuck)).toMatchObject({ readings: [{ value: 50 }, { value: -50 }], missed: 98 });
  });

  test("liveFeed.subscribe() accounts for every value that passed the filter, as reading or as missed", async () => {
    await using bench = await open();
    const frames = await watch(bench, { filter: { above: 4 } });
    let known = 0;
    for (let round = 0; round < 20; round++) {
      for (let publication = 0; publication <= round % 3; publication++) {
        const after = (round * 3 + publication) * 1000;
        await publish(bench, { after, value: 9 }, { after, value: 1, gpu: 2 }, { after: after + 500, value: 5 });
      }
      const { readings, missed } = await frame(frames);
      known += readings.length + missed;
    }
    expect(known).toBe(2 * (7 * 1 + 7 * 2 + 6 * 3));
  });

  test("liveFeed.subscribe() bounds a frame by MAX_FRAME_READINGS, and counts the rest", async () => {
    await using bench = await open();
    const frames = await watch(bench);
    const beyond = 123;
    const fleet = function* () {
      for (let index = 0; index < MAX_FRAME_READINGS + beyond; index++) {
        yield { gpu: 1 + Math.floor(index / 200), series: `DCGM_FI_TEST_${index % 200}`, value: index };
      }
    };
    await bench.publish(batchOfReadings(fleet()));
    const full = await frame(frames);
    expect(full.readings.length).toBe(MAX_FRAME_READINGS);
    expect(full.missed).toBe(beyond);
    await publish(bench, { after: 1000, value: 1 });
    expect(await values(frames)).toEqual([1]);
  });
}
