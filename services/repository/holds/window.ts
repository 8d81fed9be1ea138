/** Which evidence must be read again when new evidence arrives, so that the holds are those of all evidence. */
import { DISTANCES } from "./silence.ts";
import type { GpuEvidence, Timeline } from "./timeline.ts";

/** A decision about a gap looks at this many readings on each side. */
const READINGS = DISTANCES + 1;

/** Returns how many readings of a timeline are before the time. */
function readingsBefore({ at }: Timeline, time: number): number {
  const index = at.findIndex((reading) => reading >= time);
  return index === -1 ? at.length : index;
}

/**
 * Returns from when on the holds must be derived again if evidence at or after `changedAt` is new: new readings can
 * change decisions about gaps up to 21 readings before them.
 */
export function deriveFrom({ instances }: GpuEvidence, changedAt: number): number {
  let from = changedAt;
  for (const { timelines } of instances) {
    for (const timeline of timelines) {
      const first = timeline.at[Math.max(0, readingsBefore(timeline, changedAt) - READINGS)];
      if (first !== undefined) from = Math.min(from, first);
    }
  }
  return from;
}

/**
 * True if the evidence reaches back far enough to derive the holds again with `deriveFrom(evidence, changedAt)`. If
 * false, older evidence must be added first, unless there is none.
 */
export function reachesBack(evidence: GpuEvidence, changedAt: number): boolean {
  return evidence.instances.every(({ timelines }) =>
    timelines.every((timeline) => readingsBefore(timeline, changedAt) >= 2 * READINGS),
  );
}
