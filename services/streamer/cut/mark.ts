/**
 * Marks in a source. Given the source's content, the next batch depends on the mark alone. A row that was skipped as
 * `implausible` counts as a reading here.
 */
import { type Place, START as START_PLACE } from "../../sources/port.ts";

/** The start of a read-ahead, and how much of the read-ahead has been sent. */
export interface Mark {
  /** Between two rows of the source. Everything before it has been sent. */
  readonly place: Place;
  /** Readings of this shard after `place` that belong to earlier read-aheads. */
  readonly skip: number;
  /** Readings in the read-ahead if part of it has been sent, to cut the same one in a source that grew; otherwise 0. */
  readonly size: number;
  /** Readings of the read-ahead already sent, in the order in which batches are cut. */
  readonly sent: number;
}

export const START: Mark = { place: START_PLACE, skip: 0, size: 0, sent: 0 };
