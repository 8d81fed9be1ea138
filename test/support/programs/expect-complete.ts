/** Expects the outcome that every run of the pipeline must have, whatever faults it met. */
import { expect } from "bun:test";
import type { Report } from "./pipeline-run.ts";

const NO_DIFFERENCE = { lost: 0, twice: 0, altered: 0, examples: [] };

/** Fails unless each reading is stored once, with no dead letter, no orphan and no crash. */
export function expectComplete({ stored, answers, inventory, stats, crashes }: Report): void {
  expect(crashes).toEqual([]);
  expect(stored).toEqual({ readings: stored.readings, ...NO_DIFFERENCE });
  expect(answers).toEqual({ readings: answers.readings, ...NO_DIFFERENCE });
  expect(inventory).toEqual([]);
  expect({ dead: stats.dead, orphans: stats.orphans }).toEqual({ dead: 0, orphans: 0 });
}
