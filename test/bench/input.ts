/** Writes the file that both sides read: a simulated fleet of the size of a real export, 240 GPUs on 30 hosts. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { writePieces } from "../../data/output.ts";
import { DEFAULT_SIMULATION, type SimulationOptions, simulate } from "../../data/simulation.ts";

export interface Input {
  readonly path: string;
  readonly readings: number;
  readonly bytes: number;
}

const FLEET: SimulationOptions = { ...DEFAULT_SIMULATION, hosts: 30, durationMs: Number.POSITIVE_INFINITY };

export async function writeInput(folder: string, readings: number): Promise<Input> {
  const path = join(folder, "fleet.csv");
  await writePieces(simulate({ ...FLEET, maxRows: readings }), path);
  return { path, readings, bytes: (await stat(path)).size };
}

/** Estimates how many readings fill a file of this size. */
export function readingsIn(bytes: number): number {
  const rows = 100_000;
  let sample = 0;
  for (const piece of simulate({ ...FLEET, maxRows: rows })) sample += piece.length;
  return Math.ceil((bytes / sample) * rows);
}
