/** Writes the file that both sides read: a simulated fleet of the size of a real export, 240 GPUs on 30 hosts. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { writePieces } from "../../data/output.ts";
import { DEFAULT_SIMULATION, type SimulationOptions, simulate } from "../../data/simulation.ts";
import { FORMS, type Form, inForm } from "./forms.ts";

export interface Input {
  readonly path: string;
  readonly form: Form;
  readonly readings: number;
  readonly bytes: number;
}

export const FLEET: SimulationOptions = { ...DEFAULT_SIMULATION, hosts: 30, durationMs: Number.POSITIVE_INFINITY };

/** @param readings rounded up where the form has several rows per reading of a GPU */
export async function writeInput(folder: string, readings: number, form: Form = FORMS.usual): Promise<Input> {
  const path = join(folder, "fleet.csv");
  const maxRows = Math.ceil(readings / form.copies);
  await writePieces(inForm(form, simulate({ ...FLEET, maxRows })), path);
  return { path, form, readings: maxRows * form.copies, bytes: (await stat(path)).size };
}

/** Estimates how many readings fill a file of this size. */
export function readingsIn(bytes: number): number {
  const rows = 100_000;
  let sample = 0;
  for (const piece of simulate({ ...FLEET, maxRows: rows })) sample += piece.length;
  return Math.ceil((bytes / sample) * rows);
}
