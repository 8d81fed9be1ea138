/** The fleet that fault tests stream, and its comparison with a store. */
import { expect, test } from "bun:test";
import { findFiles } from "../../../services/sources/files/find-files.ts";
import { Comparison } from "../../support/chaos/comparison.ts";
import { NumberedFleet } from "../../support/chaos/numbered-fleet.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { readAll } from "../../support/sources/dcgm-file.ts";

const fleet = new NumberedFleet({ gpus: 4, ticks: 130, seed: 7 });

type Row = [uuid: string, series: string, at: number, value: number];

function everything(): Row[] {
  const rows: Row[] = [];
  for (let tick = 0; tick < fleet.size.ticks; tick++) {
    for (let gpu = 0; gpu < fleet.size.gpus; gpu++) {
      for (const [series, name] of fleet.series.entries()) {
        rows.push([fleet.uuid(gpu), name, fleet.at(tick), fleet.value(gpu, series, tick)]);
      }
    }
  }
  return rows;
}

function judge(rows: readonly Row[]) {
  const comparison = new Comparison(fleet);
  for (const row of rows) comparison.add(...row);
  return comparison.verdict();
}

test("the files of a fleet have exactly the readings and attributions of the fleet", async () => {
  await using folder = await temporaryFolder();
  await fleet.write(folder.path, 3);
  const comparison = new Comparison(fleet);
  const files = await findFiles(folder.path);
  expect(files).toHaveLength(3);
  const held = new Map<string, Map<string, [number, number]>>();
  for (const { name } of files) {
    const { readings, skips } = await readAll(name);
    expect(skips).toEqual([]);
    for (const { text, holders } of readings) {
      const [uuid = "", series = "", at = "", value = ""] = text.split(" ");
      comparison.add(uuid, series, Number(at), Number(value));
      const [holder] = holders;
      if (holder?.kind !== "pod" || holder.pod === null) continue;
      const pods = held.get(uuid) ?? new Map<string, [number, number]>();
      const [from, to] = pods.get(holder.pod) ?? [Number(at), Number(at)];
      held.set(uuid, pods.set(holder.pod, [Math.min(from, Number(at)), Math.max(to, Number(at))]));
    }
  }
  expect(comparison.verdict()).toEqual({ readings: 13_000, lost: 0, twice: 0, altered: 0, examples: [] });
  for (let gpu = 0; gpu < fleet.size.gpus; gpu++) {
    const pods = [...(held.get(fleet.uuid(gpu)) ?? [])].map(([pod, [from, to]]) => ({ pod, from, to }));
    expect(pods).toEqual(fleet.heldBy(gpu));
  }
});

test("Comparison finds no difference in a complete store, in any order", () => {
  expect(judge(everything().toReversed())).toMatchObject({ lost: 0, twice: 0, altered: 0, examples: [] });
});

test("Comparison counts a missing reading as lost, and names it", () => {
  const rows = everything();
  const [[uuid, series, at] = ["", "", 0]] = rows.splice(4321, 1);
  const { examples, ...counts } = judge(rows);
  expect(counts).toEqual({ readings: 13_000, lost: 1, twice: 0, altered: 0 });
  expect(examples[0]).toStartWith(`${uuid} ${series} ${at} is lost`);
});

test("Comparison counts a repeated reading as twice, also with another value", () => {
  const rows = everything();
  const [first, second] = rows as [Row, Row];
  expect(judge([...rows, first])).toMatchObject({ lost: 0, twice: 1, altered: 0 });
  expect(judge([...rows, [second[0], second[1], second[2], -1]])).toMatchObject({ lost: 0, twice: 1, altered: 1 });
});

test("Comparison counts a reading with another value, time or GPU as altered", () => {
  const rows = everything();
  const [uuid, series, at] = rows[77] as Row;
  const instead = (row: Row) => judge(rows.with(77, row));
  expect(instead([uuid, series, at, (rows[78] as Row)[3]])).toMatchObject({ lost: 0, twice: 0, altered: 1 });
  expect(instead([uuid, series, at + 1, 77])).toMatchObject({ lost: 1, twice: 0, altered: 1 });
  expect(instead([uuid.replace("GPU-0", "GPU-1"), series, at, 77])).toMatchObject({ lost: 1, twice: 0, altered: 1 });
});
