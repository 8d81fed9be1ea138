/** Conditions of SQL queries about holds. */
import type { Window } from "../../../schema/model/window.ts";
import { SHORTEST_SILENCE_MS } from "../holds/silence.ts";
import type { WorkloadQuery } from "../port.ts";
import type { Cell } from "./database.ts";
import { endOf } from "./ends.ts";

/** A text with question marks, and their values. */
export type Condition = readonly [text: string, ...values: Cell[]];

/**
 * `isOpenAt` of holds/derive.ts, for a row of `holds` beside the row of `gpus` to which it belongs. A hold with `LASTS`
 * is open.
 */
export const IS_OPEN = `(holds.ended IS NULL AND
  (gpus.last_seen - holds.last_at < ${SHORTEST_SILENCE_MS} OR gpus.last_seen - holds.last_at <= 3 * holds.usual_ms))`;

export const openHold = (): Condition => [IS_OPEN];

/** For the same two rows. */
export const overlapping = ({ from, to }: Window): Condition => [
  `${endOf("holds.last_at")} >= ? AND holds.first_at < ?`,
  from,
  to,
];

/** Of a row of `holders`. An empty name is the name of none. */
export function ofHolder(names: Pick<WorkloadQuery, "namespace" | "pod" | "job">): Condition[] {
  return (["namespace", "pod", "job"] as const).flatMap((column): Condition[] => {
    const name = names[column];
    if (name === undefined) return [];
    // The index of jobs has none of the holders without a job.
    return [name === "" ? ["false"] : [`holders.${column} = ? AND holders.${column} != ''`, name]];
  });
}
