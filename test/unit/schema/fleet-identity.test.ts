/** Rows of the simulated fleet mean to the product what they mean to the oracle, which shares no code with it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { fleetCsv } from "../../../data/fleet/csv.ts";
import { DEFAULT_FLEET, type FleetOptions, LAYOUTS } from "../../../data/fleet/options.ts";
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { gpuOf, holderOf } from "../../support/fleet/oracle.ts";
import { fleetRows } from "../../support/fleet/rows.ts";
import { usualRules } from "../../support/sources/dcgm-file.ts";

setDefaultTimeout(60_000);

const FLEET: FleetOptions = {
  ...DEFAULT_FLEET,
  gpusPerHost: 4,
  intervalMs: 60_000,
  durationMs: 480_000,
  mig: true,
  timeSlicing: true,
  slurm: true,
  faults: true,
  scrape: "mixed",
};

const VARIANTS: readonly (readonly [name: string, given: Partial<FleetOptions>])[] = [
  ["as it is", {}],
  ["with clusters and without uuids", { clusters: 2, dropLabels: ["UUID"] }],
  ["with old names", { oldNamespace: true, scrape: "rename", hostLabel: "hostname" }],
  ["whose exporters print their pods as hosts", { hostIs: "pod", scrape: "honor" }],
  ["whose exporters do so and print no uuids", { hostIs: "pod", clusters: 3, dropLabels: ["UUID", "device"] }],
];

test.each(VARIANTS)("RowIdentities.of() reads the fleet %s as the oracle does", (_, given) => {
  for (const layout of LAYOUTS) {
    const pieces = [...fleetCsv({ ...FLEET, ...given }, layout)];
    const [names = [], ...records] = parse(pieces.join("")) as string[][];
    const columns = parseDcgmHeader(names);
    if (!columns.ok) throw new Error(columns.error);
    const identities = new RowIdentities({ columns: columns.value, rules: usualRules });
    const rows = fleetRows(pieces);
    expect(rows.length).toBeGreaterThan(1000);
    const seen = rows.map((_, place) => {
      const identity = identities.of(records[place] as string[]);
      if (!identity.ok) return [identity.error.reason];
      const { facts, holders } = identity.value;
      const named = holders.map((holder) =>
        holder.kind === "job" ? `job ${holder.job}` : `${holder.namespace}/${holder.pod}/${holder.container}`,
      );
      return [String(facts.uuid), facts.host, ...named];
    });
    const expected = rows.map((row) => {
      const holder = holderOf(row);
      const { node, Hostname, hostname } = Object.fromEntries(row.labels);
      return [gpuOf(row), node ?? Hostname ?? hostname, ...(holder === null ? [] : [holder])];
    });
    expect([layout, seen]).toEqual([layout, expected as string[][]]);
  }
});
