import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Holder, holderSetOf } from "../../../schema/model/holder.ts";
import type { NameKind } from "../../../schema/model/known-names.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { Repository } from "../../../services/repository/port.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  HOUR,
  podOf,
  type Row,
  TEMP,
  UTIL,
  uuidOf,
} from "../../conformance/repository/bench.ts";
import { openModel, openTelemetryRest, storeOfExport } from "../../support/telemetry/export.ts";

const GPUS = [0, 1, 2].map(uuidOf);

async function answersOf(repository: Repository) {
  const query = { limit: 10_000, withHolders: true };
  const kinds: NameKind[] = ["metric", "hostname", "model", "namespace", "pod", "job"];
  return {
    gpus: await repository.gpus({ limit: 100 }),
    hosts: await repository.hosts(),
    readings: await Promise.all(GPUS.map((gpu) => repository.readings(gpu, ALL_TIME, query))),
    latest: await repository.latest(GPUS),
    holds: await repository.holds(GPUS, ALL_TIME, { max: 10_000 }),
    placements: await Promise.all(GPUS.map((gpu) => repository.placements({ gpu }, ALL_TIME))),
    workloads: await repository.workloads({ window: ALL_TIME, limit: 100 }),
    names: await Promise.all(kinds.map((kind) => repository.names(kind, { limit: 100 }))),
  };
}

const ODD: Holder = { kind: "pod", namespace: null, pod: "b;c\\", container: null, podUid: 'u"1,;' };
const HOLDERS: readonly Holder[] = [
  podOf("a"),
  { kind: "pod", namespace: "x,y", pod: "a", container: null, podUid: "u-2" },
  ODD,
  { kind: "job", job: "1200" },
  { kind: "job", job: "77;8" },
];
const PER_HOLDER = 'node_power{container="main",namespace="research",pod="a"}' as Series;
const SERIES = [
  UTIL,
  TEMP,
  ENGINE_3,
  ENGINE_7,
  'DCGM_FI_DEV_FB_USED{vgpu="1"}',
  'DCGM_FI_DEV_FB_USED{vgpu="2"}',
  'DCGM_FI_DEV_XID_ERRORS{xid="7,\\"8\\"\\\\;"}',
] as Series[];

const rows = fc.array(
  fc.record({
    series: fc.constantFrom(...SERIES, PER_HOLDER),
    at: fc.oneof(
      fc.nat(20).map((tick) => tick * 1000 + 5),
      fc.nat(12).map((tick) => tick * (HOUR / 3)),
    ),
    value: fc
      .oneof(fc.nat(3), fc.double({ min: -1e6, max: 1e9, noNaN: true }))
      .map((value) => (Object.is(value, -0) ? 0 : value)),
    gpu: fc.nat(GPUS.length - 1),
    holders: fc.subarray([...HOLDERS]).map(holderSetOf),
  }),
  { maxLength: 60 },
);

const rowOf = ({
  series,
  at,
  value,
  gpu,
  holders,
}: (typeof rows extends fc.Arbitrary<infer R> ? R : never)[number]) => {
  const turn = Math.floor(at / (HOUR / 3)) + gpu;
  const instance = /GPU_I_ID="(\d)"/.exec(series)?.[1] ?? null;
  const facts = factsOf(gpu, {
    host: `host-${Math.floor(turn / 2) % 2}`,
    index: String(turn % 2),
    model: gpu === 2 ? "" : 'NVIDIA "H100", 80GB',
    driver: gpu === 1 ? null : "535.129.03",
    pciBusId: gpu === 0 ? "00000000:18:00.0" : null,
    instance,
    profile: instance === "3" ? "1g.10gb" : null,
    holders: series === PER_HOLDER ? [podOf("a")] : holders,
  });
  return [series, at, value, facts] satisfies Row;
};

test("GET /api/v1/telemetry as CSV, read into an empty store, gives a store with the same answers", async () => {
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 3 }), async (written, saves) => {
      const repository = openModel();
      for (let save = 0; save < saves; save++) {
        const part = written.filter((_, index) => index % saves === save).map(rowOf);
        if (part.length > 0) await repository.save([batchOf(part, { seq: save + 1 })]);
      }
      const response = await openTelemetryRest(repository)();
      expect(response.headers.get("content-type")).toMatch(/^text\/csv/);
      expect(await answersOf(await storeOfExport(await response.text()))).toEqual(await answersOf(repository));
    }),
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  );
});
