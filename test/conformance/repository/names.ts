/** Names that objects of JavaScript already have, or that a store's own language gives a meaning. */
import { expect, test } from "bun:test";
import type { Series } from "../../../schema/model/reading.ts";
import { batchOf, factsOf, type OpenRepository, type Row, type RowFacts, read, uuidOf, windowOf } from "./bench.ts";

const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "prototype",
  "$where",
  "$set",
  "a.b",
];
/** As metric names, which have letters, digits, underscores and colons alone. */
const METRICS = NAMES.filter((name) => /^[a-zA-Z_:]\w*$/.test(name));

export function namesConformance(open: OpenRepository): void {
  test("repository keeps names such as __proto__ and $where as hosts, pods, labels, metrics and producers", async () => {
    await using bench = await open();
    const { repository } = bench;
    const inherited = Object.getOwnPropertyNames(Object.prototype);
    const facts = NAMES.map((name, index) =>
      factsOf(index, {
        host: name,
        model: name,
        device: name,
        driver: name,
        holders: [{ kind: "pod", namespace: name, pod: name, container: name, podUid: name }],
      }),
    );
    const series = METRICS.flatMap((name) => [name, `${name}{${name}="${name}",z="__proto__"}`] as Series[]).sort();
    for (const [index, producer] of NAMES.entries()) {
      const rows = series.map((one, at): Row => [one, at, at, facts[index] as RowFacts]);
      const position = { producer, epoch: 1, seq: 1, position: producer };
      await repository.save([batchOf(rows, { producer })], { positions: [position] });
      expect(await repository.position(producer)).toEqual(position);
    }
    const { gpus, total } = await repository.gpus({ limit: 100 });
    expect(total).toBe(NAMES.length);
    expect(await repository.position("__lookupGetter__")).toBeNull();
    const sorted = NAMES.toSorted();
    expect(gpus.map(({ host }) => host)).toEqual(sorted);
    expect((await repository.hosts()).map(({ hostname, gpus }) => [hostname, gpus])).toEqual(
      sorted.map((name) => [name, 1]),
    );
    for (const [index, name] of NAMES.entries()) {
      const gpu = uuidOf(index);
      const [known] = await repository.gpusByUuid([gpu]);
      const { instance: _, profile: __, ...card } = facts[index] as RowFacts;
      expect(known).toMatchObject(card);
      for (const filter of [{ hostname: name }, { namespace: name }, { model: name }]) {
        expect((await repository.gpus({ filter, limit: 10 })).gpus.map(({ uuid }) => uuid)).toEqual([gpu]);
      }
      const window = windowOf(0, 60_000);
      const held = (await repository.holds([gpu], window, { max: 100 })).get(gpu);
      expect(held?.map(({ holder }) => holder)).toEqual([...((facts[index] as RowFacts).holders ?? [])]);
      expect((await read(repository, { gpu })).map(([one]) => one)).toEqual(series.toReversed());
      for (const metric of METRICS) {
        const ofMetric = series.filter((one) => one === metric || one.startsWith(`${metric}{`));
        expect((await read(repository, { gpu, metrics: [metric] })).map(([one]) => one)).toEqual(ofMetric.toReversed());
      }
      expect(await read(repository, { gpu, metrics: ["__defineGetter__"] })).toEqual([]);
      const latest = (await repository.latest([gpu])).get(gpu);
      expect(latest?.map((reading) => reading.series)).toEqual(series);
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(inherited);
  });
}
