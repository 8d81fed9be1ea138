/** What differs between formats: how rows are taken from the bytes of a window. */
import type { Place, RowTarget } from "../port.ts";

export interface RowParser {
  /** The place after the last row handed over. */
  readonly place: Place;
  /**
   * Hands over rows until the target says stop (true) or the window holds no further whole row (false).
   * @param lastTime latest time a row may have, ms since the epoch
   */
  read(target: RowTarget, lastTime: number): boolean;
  /** True if no further byte can belong to the unfinished last row. */
  isLastClosed(): boolean;
  /**
   * Reads what follows the last whole row of the source: a row if it parses whole, otherwise a skip that leaves `place`
   * before it. Returns true if the target says stop.
   */
  readLast(target: RowTarget, lastTime: number): boolean;
}
