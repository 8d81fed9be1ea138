/** Where the present ends: clocks of hosts differ, so a reading a little ahead of this clock is still of now. */

/** Hosts without time service are minutes off; more than ten minutes is a wrong clock or a wrong file. */
const PRESENT_LEAD_MS = 600_000;

/**
 * Returns the last time that counts as now. A later reading is stored, but is not the newest of its series before its
 * time.
 */
export const lastPresentTime = (now: number): number => now + PRESENT_LEAD_MS;
