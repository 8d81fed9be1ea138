/**
 * Ends that move with nearly every reading: those of the newest stay of a GPU, of its open holds, and of its instances.
 * An end at the GPU's last reading is stored as `LASTS`, so that a save changes only the GPU's own row. A save that
 * moves the last reading without the end replaces `LASTS` by the time.
 */

/** Later than any time. */
const LASTS = Number.MAX_SAFE_INTEGER;

/** Returns what is stored for an end. */
export const storedEnd = <T extends number | null>(end: T, lastSeen: number | undefined): T | number =>
  end === lastSeen ? LASTS : end;

/** Returns the time that a stored end means. */
export const endIn = <T extends number | null>(stored: T, lastSeen: number): T | number =>
  stored === LASTS ? lastSeen : stored;

/** SQL of `endIn` for a column of a table that is joined with `gpus`. */
export const endOf = (column: string): string => `iif(${column} = ${LASTS}, gpus.last_seen, ${column})`;
