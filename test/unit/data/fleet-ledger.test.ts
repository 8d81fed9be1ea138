import { expect, test } from "bun:test";
import fc from "fast-check";
import { fleetCsv } from "../../../data/fleet/csv.ts";
import { holderKey } from "../../../data/fleet/holder.ts";
import { buildLedger } from "../../../data/fleet/ledger.ts";
import { DEFAULT_FLEET, type FleetOptions, LAYOUTS, type Layout, SCRAPES } from "../../../data/fleet/options.ts";
import { holdsOfRows, placementsOfRows } from "../../support/fleet/oracle.ts";
import { fleetRows } from "../../support/fleet/rows.ts";

const MINUTE = 60_000;

const anyFleet: fc.Arbitrary<{ options: FleetOptions; layout: Layout }> = fc
  .record({
    hosts: fc.integer({ min: 1, max: 4 }),
    gpusPerHost: fc.integer({ min: 1, max: 3 }),
    intervalMs: fc.constantFrom(5_000, 15_000, MINUTE, 2 * MINUTE, 5 * MINUTE),
    ticks: fc.integer({ min: 1, max: 170 }),
    seed: fc.integer({ min: 0, max: 0xffff_ffff }),
    mig: fc.boolean(),
    timeSlicing: fc.boolean(),
    slurm: fc.boolean(),
    faults: fc.boolean(),
    lookbackMs: fc.constantFrom(0, 0, MINUTE, 5 * MINUTE),
    scrape: fc.constantFrom(...SCRAPES),
    hostLabel: fc.constantFrom("Hostname" as const, "hostname" as const),
    hostIs: fc.constantFrom("node" as const, "pod" as const),
    oldNamespace: fc.boolean(),
    clusters: fc.integer({ min: 0, max: 2 }),
    dropLabels: fc.constantFrom([], ["UUID" as const], ["pci_bus_id" as const, "modelName" as const]),
    layout: fc.constantFrom(...LAYOUTS),
  })
  .map(({ ticks, layout, ...rest }) => ({
    options: { ...DEFAULT_FLEET, ...rest, durationMs: ticks * rest.intervalMs },
    layout,
  }));

const sorted = <T>(items: readonly T[]): string[] => items.map((item) => JSON.stringify(item)).sort();

const RUNS = Number(process.env.FLEET_RUNS ?? 25);
const MAX_RUN_MS = 2400;

test(
  "the ledger's holds and placements are those that the rows tell",
  () => {
    fc.assert(
      fc.property(anyFleet, ({ options, layout }) => {
        const ledger = buildLedger(options);
        const rows = fleetRows(fleetCsv(options, layout));
        const holds = ledger.holds.map(({ gpu, instance, holder, from, to, open }) => ({
          gpu,
          instance,
          holder: holderKey(holder),
          from,
          to,
          open,
        }));
        expect(sorted(holds)).toEqual(sorted(holdsOfRows(rows)));
        expect(sorted(ledger.placements)).toEqual(sorted(placementsOfRows(rows)));
      }),
      { numRuns: RUNS },
    );
  },
  RUNS * MAX_RUN_MS,
);
