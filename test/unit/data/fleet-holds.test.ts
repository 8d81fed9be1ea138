import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Track } from "../../../data/fleet/evidence.ts";
import { deriveHolds } from "../../../data/fleet/holds.ts";
import { holdsOfRows } from "../../support/fleet/oracle.ts";
import type { FleetRow } from "../../support/fleet/rows.ts";

const anyPods = fc.oneof(
  { weight: 6, arbitrary: fc.constant<string[]>(["a"]) },
  { weight: 1, arbitrary: fc.subarray(["a", "b"]) },
);
const stepsOf = (distance: number, readings: string[][]) => readings.map((pods) => ({ distance, pods }));

/** Spells of readings at a steady distance, and silences between them that are near three of those distances. */
const anySteps = fc
  .array(
    fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 4 }), fc.array(anyPods, { minLength: 1, maxLength: 25 })),
      fc.tuple(fc.integer({ min: 3, max: 20 }), fc.tuple(anyPods)),
    ),
    { maxLength: 6 },
  )
  .map((spells) => spells.flatMap(([distance, readings]) => stepsOf(distance, readings)));

/** Readings that name no pod, one or two. */
const anyTrack: fc.Arbitrary<Track> = fc
  .record({ first: fc.integer({ min: 0, max: 10 }), steps: anySteps })
  .map(({ first, steps }) => {
    let tick = first;
    const ticks = steps.map(({ distance }) => {
      tick += distance;
      return tick;
    });
    return { ticks, named: steps.map(({ pods }) => pods.map((pod) => `ns/${pod}/main`)) };
  });

function rowsOf(tracks: readonly Track[], intervalMs: number): FleetRow[] {
  const labelsOf = (holder: string | undefined): [string, string][] => {
    const [namespace, pod, container] = holder?.split("/") ?? [];
    const labels = [
      ["UUID", "GPU-1"],
      ["namespace", namespace],
      ["pod", pod],
      ["container", container],
    ] as const;
    return labels.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]));
  };
  return tracks.flatMap(({ ticks, named }, track) =>
    ticks.flatMap((tick, place) => {
      const holders: readonly (string | undefined)[] = named[place]!.length === 0 ? [undefined] : named[place]!;
      return holders.map((holder) => ({
        at: tick * intervalMs,
        metric: `METRIC_${track}`,
        value: 0,
        labels: new Map(labelsOf(holder)),
      }));
    }),
  );
}

test("holds of series that disagree follow the rules: drops, take-ups, silences", () => {
  fc.assert(
    fc.property(
      fc.array(anyTrack, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(15_000, 60_000, 100_000, 300_000),
      (tracks, intervalMs) => {
        const newest = Math.max(0, ...tracks.flatMap((track) => track.ticks));
        const holds = deriveHolds(tracks, newest, intervalMs).map(
          ({ key, from, to, open }) => `${key} ${from * intervalMs} ${to * intervalMs} ${open}`,
        );
        const expected = holdsOfRows(rowsOf(tracks, intervalMs)).map(
          ({ holder, from, to, open }) => `${holder} ${from} ${to} ${open}`,
        );
        expect(holds.sort()).toEqual(expected.sort());
      },
    ),
    { numRuns: Number(process.env.FLEET_RUNS ?? 300) },
  );
});
