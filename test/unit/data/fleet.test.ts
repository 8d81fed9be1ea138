import { expect, test } from "bun:test";
import { fleetCsv } from "../../../data/fleet/csv.ts";
import { holderKey } from "../../../data/fleet/holder.ts";
import { buildLedger, type Ledger } from "../../../data/fleet/ledger.ts";
import { DEFAULT_FLEET, type FleetOptions, LAYOUTS } from "../../../data/fleet/options.ts";
import { Exporters } from "../../../data/fleet/readings.ts";
import { gpuOf, holderOf } from "../../support/fleet/oracle.ts";
import { fleetRows } from "../../support/fleet/rows.ts";

const EVERYTHING: FleetOptions = {
  ...DEFAULT_FLEET,
  hosts: 6,
  gpusPerHost: 4,
  intervalMs: 60_000,
  durationMs: 36 * 3_600_000,
  mig: true,
  timeSlicing: true,
  slurm: true,
  faults: true,
  scrape: "mixed",
};
const SHORT: FleetOptions = { ...EVERYTHING, durationMs: 4 * 3_600_000 };
const text = (options: FleetOptions): string => [...fleetCsv(options, "columns")].join("");
const pairs = <T>(items: readonly T[]) => items.slice(1).map((item, place) => [items[place]!, item] as const);

const ledger = buildLedger(EVERYTHING);
const rows = fleetRows(fleetCsv(SHORT, "columns"));

test("a longer simulation begins with the rows of a shorter one, and each seed gives another fleet", () => {
  expect(text(EVERYTHING).startsWith(text(SHORT))).toBe(true);
  const uuids = (seed: number) => new Set(buildLedger({ ...SHORT, seed }).placements.map((one) => one.gpu));
  expect(uuids(1).intersection(uuids(2)).size).toBe(0);
});

test("readings may be asked for in any order of time", () => {
  for (const options of [SHORT, { ...SHORT, faults: false }]) {
    const exporters = new Exporters(options);
    const at = (one: Exporters, tick: number) => one.state.hosts.map((host) => one.readings(host, tick));
    for (const tick of [200, 3, 130, 129]) expect(at(exporters, tick)).toEqual(at(new Exporters(options), tick));
  }
});

test("the three layouts state the same readings", () => {
  const [first, ...others] = LAYOUTS.map((layout) =>
    fleetRows(fleetCsv({ ...SHORT, durationMs: 600_000 }, layout)).map((row) => ({
      ...row,
      labels: [...row.labels].sort().join(" "),
    })),
  );
  expect(first!.length).toBeGreaterThan(1000);
  for (const other of others) expect(other).toEqual(first!);
});

test("a fleet with everything switched on shows every kind of event and of row", () => {
  const kinds = new Set<string>(ledger.events.map((event) => event.kind));
  const expected = "exporter lost moved renumbered replaced reset returned silent slow xid".split(" ");
  expect([...kinds].sort()).toEqual(expected.sort());
  const seen = new Set(rows.flatMap((row) => [...row.labels.keys()]));
  for (const label of ["GPU_I_ID", "GPU_I_PROFILE", "vgpu", "hpc_job", "pod_uid", "exported_pod", "err_code"]) {
    expect(seen).toContain(label);
  }
  const together = Map.groupBy(rows, (row) => `${row.at} ${row.metric} ${gpuOf(row)} ${row.labels.get("GPU_I_ID")}`);
  const mostHolders = Math.max(...together.values().map((shared) => new Set(shared.map(holderOf)).size));
  expect(mostHolders).toBe(3);
  expect(ledger.placements.filter((one) => one.lost).length).toBeGreaterThan(0);
  expect(new Set(ledger.placements.map((one) => one.ended))).toEqual(new Set([null, "moved", "replaced"]));
});

test("a pod that comes and goes between two readings leaves no hold", () => {
  const shown = new Set(ledger.holds.map(({ holder }) => holderKey(holder)));
  const unseen = ledger.occupancies.filter(({ holder }) => !shown.has(holderKey(holder)));
  expect(unseen.length).toBeGreaterThan(0);
  const known = Map.groupBy(ledger.holds, (hold) => `${hold.gpu} ${hold.instance} ${holderKey(hold.holder)}`);
  expect([...known.values()].some((holds) => holds.length > 1)).toBe(true);
});

/** Occupancies and holds of one holder on one device. */
function byHolder({ holds, occupancies }: Ledger) {
  const keyOf = (one: { gpu: string; instance: string | null; holder: Parameters<typeof holderKey>[0] }) =>
    `${one.gpu} ${one.instance} ${holderKey(one.holder)}`;
  const held = Map.groupBy(holds, keyOf);
  return { held, real: Map.groupBy(occupancies, keyOf), keyOf };
}

test("holds begin and end while the holder is really there", () => {
  const { real, held } = byHolder(ledger);
  for (const [key, holds] of held) {
    for (const { from, to } of holds) {
      const within = real.get(key)!.filter((one) => one.to > from && one.from <= to);
      expect([key, within[0]!.from <= from, within.at(-1)!.to > to]).toEqual([key, true, true]);
    }
  }
});

test("without faults, every stay that a tick falls into is part of a hold", () => {
  const calm = buildLedger({ ...SHORT, faults: false });
  const { held, keyOf } = byHolder(calm);
  const { intervalMs, startMs } = calm.options;
  for (const stay of calm.occupancies) {
    const tick = startMs + Math.ceil((stay.from - startMs) / intervalMs) * intervalMs;
    if (tick >= stay.to) continue;
    const covered = held.get(keyOf(stay))?.some(({ from, to }) => from <= tick && tick <= to);
    expect([keyOf(stay), covered]).toEqual([keyOf(stay), true]);
  }
});

test("energy is the sum of power, and begins again only at a reset", () => {
  const energy = rows.filter((row) => row.metric === "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION");
  const resets = ledger.events.filter((event) => event.kind === "reset");
  let falls = 0;
  for (const [gpu, own] of Map.groupBy(energy, gpuOf)) {
    for (const [before, after] of pairs(own)) {
      if (after.value >= before.value) continue;
      falls++;
      expect(after.value).toBeLessThan(1000 * (after.at - before.at));
      expect(resets.some((reset) => reset.gpu === gpu && reset.at > before.at && reset.at <= after.at)).toBe(true);
    }
    // Nobody has held the card from one tick to the next: 70 W.
    const idle = pairs(own).filter(
      ([before, after]) =>
        after.at - before.at === 60_000 &&
        after.value > before.value &&
        !ledger.occupancies.some((stay) => stay.gpu === gpu && stay.from < after.at && stay.to > before.at),
    );
    for (const [before, after] of idle) expect(after.value - before.value).toBe(70 * 60_000);
  }
  expect(falls).toBeGreaterThan(0);
});

test("an XID stays in the gauge until the driver is loaded anew, and in the count for five minutes", () => {
  const endMs = SHORT.startMs + SHORT.durationMs;
  const xids = ledger.events.filter((event) => event.kind === "xid").filter((event) => event.at < endMs);
  expect(xids.length).toBeGreaterThan(0);
  const byGpu = Map.groupBy(rows, gpuOf);
  let counted = 0;
  const forgotten = ["reset", "xid", "lost"];
  for (const { gpu, at, code } of xids) {
    const over = ledger.events.find(
      (event) => forgotten.includes(event.kind) && "gpu" in event && event.gpu === gpu && event.at > at,
    );
    const until = over !== undefined && "at" in over ? over.at : endMs;
    const shown = byGpu.get(gpu)!.filter((row) => row.at >= at && row.at < until);
    const gauge = shown.filter((row) => row.metric === "DCGM_FI_DEV_XID_ERRORS");
    expect(new Set(gauge.map((row) => row.value))).toEqual(new Set(gauge.length === 0 ? [] : [code]));
    const counts = shown.filter((row) => row.metric === "DCGM_EXP_XID_ERRORS_COUNT");
    for (const row of counts) {
      if (row.labels.has("xid")) counted++;
      expect([row.at - at, row.labels.get("xid")]).toEqual([
        row.at - at,
        row.at - at < 300_000 ? `${code}` : undefined,
      ]);
    }
  }
  expect(counted).toBeGreaterThan(0);
});

test("the scrape's own labels name the exporter in the three ways of honor_labels", () => {
  const first = (scrape: FleetOptions["scrape"], held: boolean) => {
    const own = fleetRows(fleetCsv({ ...DEFAULT_FLEET, hosts: 1, durationMs: 900_000, scrape }, "labels_raw"));
    const found = own.find((row) => (holderOf(row) !== null) === held)!;
    return ["pod", "exported_pod", "job"].map((name) => found.labels.get(name)?.replace(/-[^-]+-?[^-]*$/, ""));
  };
  expect(first("none", false)).toEqual([undefined, undefined, undefined]);
  expect(first("honor", false)).toEqual(["nvidia-dcgm", undefined, "nvidia"]);
  expect(first("rename", false)).toEqual(["nvidia-dcgm", undefined, "nvidia"]);
  const [none] = first("none", true);
  expect(first("honor", true)).toEqual([none, undefined, "nvidia"]);
  expect(first("rename", true)).toEqual(["nvidia-dcgm", none, "nvidia"]);
});
