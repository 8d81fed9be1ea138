/** Formats of files with the readings of the simulated fleet. */
import type { Row } from "./rows.ts";

/** A part of a file, and how many readings it has. */
export interface Part {
  readonly text: string;
  readonly readings: number;
}

export interface FileFormat {
  /** Name in the table. */
  readonly title: string;
  /** Name of the file. */
  readonly file: string;
  /** How many rows to write together: what lies series by series has this many rows in each round of series. */
  readonly together: number;
  /** Default: UTF-8. */
  readonly encoding?: BufferEncoding;
  /** Begins the file. */
  readonly head?: string;
  /** Ends the file. */
  readonly tail?: string;
  part(rows: readonly Row[], index: number): Part;
}

/** Rows that lie tick by tick are written as they come. */
export const BY_TICK = 1;
/** About forty ticks of the fleet. */
export const BY_SERIES = 144_000;
