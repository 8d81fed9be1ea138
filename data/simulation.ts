/** Simulates a fleet tick by tick. Rows are ordered by tick, then by metric, then by GPU. */
import { formatTimestamp } from "../schema/model/timestamp.ts";
import { createRowParts, HEADER, METRIC_COLUMNS, type RowParts } from "./csv.ts";
import { createFleet, type FleetSize } from "./fleet.ts";

export interface SimulationOptions extends FleetSize {
  readonly intervalMs: number;
  /** The last tick is before `startMs + durationMs`. */
  readonly durationMs: number;
  /** ms since the epoch. */
  readonly startMs: number;
  readonly seed: number;
  /** Number of rows after which the simulation stops, even in the middle of a tick. */
  readonly maxRows?: number;
}

export const DEFAULT_SIMULATION: SimulationOptions = {
  hosts: 3,
  gpusPerHost: 8,
  intervalMs: 15_000,
  durationMs: 1_800_000,
  startMs: Date.UTC(2025, 6, 18, 20),
  seed: 1,
};

const CHUNK_CHARACTERS = 1 << 20;

/** Yields the CSV file in ASCII pieces of about a megabyte. A longer run begins with the rows of a shorter one. */
export function* simulate(options: SimulationOptions): Generator<string, void, void> {
  const fleet = createFleet(options, options.seed);
  const parts: (RowParts | undefined)[] = new Array(fleet.length);
  const ticks = Math.ceil(options.durationMs / options.intervalMs);
  const elapsedS = options.intervalMs / 1000;
  let rowsLeft = options.maxRows ?? Number.POSITIVE_INFINITY;
  let text = HEADER;
  for (let tick = 0; tick < ticks; tick++) {
    fleet.forEach((gpu, place) => {
      gpu.advance(tick * elapsedS, tick === 0 ? 0 : elapsedS);
      if (parts[place]?.tenant !== gpu.workload.tenant) parts[place] = createRowParts(gpu);
    });
    const time = formatTimestamp(options.startMs + tick * options.intervalMs);
    for (const { name, read } of METRIC_COLUMNS) {
      const opening = `"${time}","${name}`;
      for (let place = 0; place < fleet.length; place++) {
        const value = read(fleet[place]!);
        if (Number.isNaN(value)) continue;
        if (rowsLeft-- <= 0) return yield text;
        const { identity, labelsBefore, labelsAfter } = parts[place]!;
        text += opening + identity + value + labelsBefore + name + labelsAfter;
        if (text.length >= CHUNK_CHARACTERS) {
          yield text;
          text = "";
        }
      }
    }
  }
  yield text;
}
