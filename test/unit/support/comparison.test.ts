/** The fleet that fault tests feed in, and the comparison that judges what became of it. */
import { expect, test } from "bun:test";
import { findSources } from "../../../services/sources/files/source-files.ts";
import { Comparison } from "../../support/chaos/comparison.ts";
import { NumberedFleet } from "../../support/chaos/numbered-fleet.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { readAll } from "../../support/sources/dcgm-file.ts";

const fleet = new NumberedFleet({ gpus: 4, ticks: 130, seed: 7 });

type Told = [uuid: string, series: string, at: number, value: number];

function everything(): Told[] {
  const told: Told[] = [];
  for (let tick = 0; tick < fleet.size.ticks; tick++) {
    for (let gpu = 0; gpu < fleet.size.gpus; gpu++) {
      for (const [series, name] of fleet.series.entries()) {
        told.push([fleet.uuid(gpu), name, fleet.at(tick), fleet.value(gpu, series, tick)]);
      }
    }
  }
  return told;
}

function judge(told: readonly Told[]) {
  const comparison = new Comparison(fleet);
  for (const reading of told) comparison.add(...reading);
  return comparison.verdict();
}

test("what a row reader makes of the fleet's files is the fleet", async () => {
  await using folder = await temporaryFolder();
  await fleet.write(folder.path, 3);
  const comparison = new Comparison(fleet);
  const files = await findSources(folder.path);
  expect(files).toHaveLength(3);
  const held = new Map<string, Map<string, [number, number]>>();
  for (const file of files) {
    const { readings, skips } = await readAll(file);
    expect(skips).toEqual([]);
    for (const { text, facts } of readings) {
      const [uuid = "", series = "", at = "", value = ""] = text.split(" ");
      comparison.add(uuid, series, Number(at), Number(value));
      if (facts.pod === null) continue;
      const pods = held.get(uuid) ?? new Map<string, [number, number]>();
      const [from, to] = pods.get(facts.pod) ?? [Number(at), Number(at)];
      held.set(uuid, pods.set(facts.pod, [Math.min(from, Number(at)), Math.max(to, Number(at))]));
    }
  }
  expect(comparison.verdict()).toEqual({ readings: 13_000, lost: 0, twice: 0, altered: 0, examples: [] });
  for (let gpu = 0; gpu < fleet.size.gpus; gpu++) {
    const pods = [...(held.get(fleet.uuid(gpu)) ?? [])].map(([pod, [from, to]]) => ({ pod, from, to }));
    expect(pods).toEqual(fleet.heldBy(gpu));
  }
});

test("a store that holds the fleet differs in nothing", () => {
  expect(judge(everything().toReversed())).toMatchObject({ lost: 0, twice: 0, altered: 0, examples: [] });
});

test("a missing reading is lost, and named", () => {
  const told = everything();
  const [[uuid, series, at] = ["", "", 0]] = told.splice(4321, 1);
  const { examples, ...counts } = judge(told);
  expect(counts).toEqual({ readings: 13_000, lost: 1, twice: 0, altered: 0 });
  expect(examples[0]).toStartWith(`${uuid} ${series} ${at} is lost`);
});

test("a reading told again is twice, also with another value", () => {
  const told = everything();
  const [first, second] = told as [Told, Told];
  expect(judge([...told, first])).toMatchObject({ lost: 0, twice: 1, altered: 0 });
  expect(judge([...told, [second[0], second[1], second[2], -1]])).toMatchObject({ lost: 0, twice: 1, altered: 1 });
});

test("a reading with its neighbour's value, time or GPU is altered", () => {
  const told = everything();
  const [uuid, series, at] = told[77] as Told;
  const instead = (reading: Told) => judge(told.with(77, reading));
  expect(instead([uuid, series, at, (told[78] as Told)[3]])).toMatchObject({ lost: 0, twice: 0, altered: 1 });
  expect(instead([uuid, series, at + 1, 77])).toMatchObject({ lost: 1, twice: 0, altered: 1 });
  expect(instead([uuid.replace("GPU-0", "GPU-1"), series, at, 77])).toMatchObject({ lost: 1, twice: 0, altered: 1 });
});
