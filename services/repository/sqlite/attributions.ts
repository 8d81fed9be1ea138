/** The attribution table: one row per interval. Call all functions inside `database.read` or `database.write`. */
import type { Attribution } from "../../../schema/model/gpu.ts";
import type { Window } from "../../../schema/model/window.ts";
import { ATTRIBUTIONS_MAX, addSighting, type Held, type TickFinder } from "../holders.ts";
import type { GpuKey } from "./buckets.ts";
import type { Database, Row } from "./database.ts";

const COLUMNS = "first_at, last_at, namespace, pod, container";

const heldOf = ([from, to, namespace, pod, container]: Row): Held =>
  ({ holder: { namespace, pod, container }, from, to }) as Held;

export interface AttributionTable {
  newest(gpu: GpuKey): Held | undefined;
  add(gpu: GpuKey, held: Held): void;
  /** Moves the end of the interval that begins at `held.from` to `held.to`. */
  extend(gpu: GpuKey, held: Held): void;
  /** Adds a sighting that begins before the end of the newest interval. */
  insert(gpu: GpuKey, sighting: Held, ticks: TickFinder): void;
  touching(gpu: GpuKey, window: Window): Attribution[];
  /** Drops intervals that end before `before`, ms. */
  expire(before: number): void;
}

export function createAttributionTable(database: Database): AttributionTable {
  const newest = database.prepare(`SELECT ${COLUMNS} FROM attributions WHERE gpu = ? ORDER BY first_at DESC LIMIT 1`);
  const add = database.prepare(`INSERT INTO attributions (gpu, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`);
  const extend = database.prepare("UPDATE attributions SET last_at = ?3 WHERE gpu = ?1 AND first_at = ?2");
  const remove = database.prepare("DELETE FROM attributions WHERE gpu = ? AND first_at = ?");
  const before = database.prepare(
    `SELECT ${COLUMNS} FROM attributions WHERE gpu = ? AND first_at < ? ORDER BY first_at DESC LIMIT 1`,
  );
  const from = database.prepare(
    `SELECT ${COLUMNS} FROM attributions WHERE gpu = ?1 AND first_at BETWEEN ?2 AND coalesce(
       (SELECT min(first_at) FROM attributions WHERE gpu = ?1 AND first_at > ?3), ?3) ORDER BY first_at`,
  );
  // Intervals never overlap, so only the last one that begins before the window can reach into it.
  const touching = database.prepare(
    `SELECT ${COLUMNS} FROM attributions WHERE gpu = ?1 AND first_at < ?3 AND last_at >= ?2
       AND first_at >= coalesce((SELECT max(first_at) FROM attributions WHERE gpu = ?1 AND first_at <= ?2), ?2)
       AND NOT (namespace IS NULL AND pod IS NULL AND container IS NULL)
     ORDER BY first_at LIMIT ${ATTRIBUTIONS_MAX}`,
  );
  const expire = database.prepare("DELETE FROM attributions WHERE last_at < ?");

  const put = ({ id }: GpuKey, { holder, from: first, to }: Held) => {
    add.run(id, first, to, holder.namespace, holder.pod, holder.container);
  };
  return {
    newest(gpu) {
      const row = newest.get(gpu.id);
      return row && heldOf(row);
    },
    add: put,
    extend: ({ id }, held) => void extend.run(id, held.from, held.to),
    insert(gpu, sighting, ticks) {
      const near = [...before.all(gpu.id, sighting.from), ...from.all(gpu.id, sighting.from, sighting.to)].map(heldOf);
      for (const held of near) remove.run(gpu.id, held.from);
      for (const held of addSighting(near, sighting, ticks)) put(gpu, held);
    },
    touching: (gpu, window) =>
      touching
        .all(gpu.id, window.from, window.to)
        .map(heldOf)
        .map(({ holder, from: first, to }) => ({ gpu: gpu.uuid, ...holder, from: first, to })),
    expire: (time) => void expire.run(time),
  };
}
