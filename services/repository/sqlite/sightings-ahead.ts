/** Sightings later than the present, kept until their time comes. Call inside `database.read` or `database.write`. */
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Database } from "./database.ts";

export interface SightingAhead {
  readonly facts: GpuFacts;
  readonly from: number;
  readonly to: number;
}

export interface SightingsAhead {
  /** Changes nothing if it is there already. */
  add(gpu: number, sighting: SightingAhead): void;
  /** Returns whether sightings begin at or before the time. */
  anyDue(time: number): boolean;
  /** Removes and returns a bounded number of sightings that begin at or before the time. */
  takeDue(time: number): readonly SightingAhead[];
}

const DUE_MAX = 1000;

export function createSightingsAhead(database: Database): SightingsAhead {
  const add = database.prepare(
    "INSERT OR IGNORE INTO sightings_ahead (gpu, first_at, last_at, facts) VALUES (?, ?, ?, ?)",
  );
  const due = database.prepare(
    `SELECT gpu, uuid, first_at, last_at, facts FROM sightings_ahead JOIN gpus ON gpus.id = gpu
     WHERE first_at <= ? ORDER BY first_at LIMIT ?`,
  );
  const remove = database.prepare(
    "DELETE FROM sightings_ahead WHERE first_at = ? AND gpu = ? AND last_at = ? AND facts = ?",
  );
  return {
    add: (gpu, { facts: { uuid: _, ...facts }, from, to }) => void add.run(gpu, from, to, JSON.stringify(facts)),
    anyDue: (time) => due.get(time, 1) !== undefined,
    takeDue: (time) =>
      due.all(time, DUE_MAX).map(([gpu, uuid, from, to, facts]) => {
        remove.run(from as number, gpu as number, to as number, facts as string);
        const parsed = JSON.parse(facts as string) as Omit<GpuFacts, "uuid">;
        return { facts: { uuid: uuid as GpuUuid, ...parsed }, from: from as number, to: to as number };
      }),
  };
}
