/** What row shapes are made of, and their limits. */

/**
 * - `shapes`: how many shapes are remembered; 0 parses every row in full
 * - `bytes`: how many bytes all remembered shapes may take together
 */
export interface ShapeLimits {
  readonly shapes: number;
  readonly bytes: number;
}

/**
 * - `isTimeFirst`: false if the value is in front of the time
 * - `isUtc`: whether times without a zone are UTC
 * - `hasDecimalComma`: whether numbers have a comma in place of the point
 */
export type ShapeForms = Readonly<Record<"isTimeFirst" | "isUtc" | "hasDecimalComma", boolean>>;

/** The parts of one row as indices into the window. First and second are time and value, in the file's order. */
export interface RowParts {
  readonly start: number;
  readonly firstStart: number;
  readonly firstEnd: number;
  readonly secondStart: number;
  readonly secondEnd: number;
  /** The byte after the newline. */
  readonly end: number;
}
