/** The table of stays in slots of hosts. Call all functions inside `database.read` or `database.write`. */
import type { GpuUuid, Host, Placement } from "../../../schema/model/gpu.ts";
import type { Window } from "../../../schema/model/window.ts";
import { firstTickFrom } from "../bucket.ts";
import {
  addSighting,
  addTimes,
  LOST_INTERVALS,
  PLACEMENTS_MAX,
  placementOrder,
  placementsOf,
  type Stay,
  sameSlot,
  USUAL_DISTANCES,
  usualIntervalMs,
} from "../placements.ts";
import type { Buckets, GpuKey } from "./buckets.ts";
import type { Database, Row } from "./database.ts";
import { endOf } from "./ends.ts";
import { findTicks } from "./ticks.ts";

const END = endOf("stays.last_at");
/** Of a stay that is joined with its GPU. */
const STAY = `first_at, ${END}, stays.host, stays."index"`;
const STAYS_OF_GPU = "FROM stays JOIN gpus ON gpus.id = gpu WHERE gpu = ?1";

const stayOf = ([from, to, host, index]: Row): Stay => ({ from, to, host, index }) as Stay;

/** Holds for the stays of GPUs that had not reported from the host before. */
const NEWCOMER = `NOT EXISTS (SELECT 1 FROM stays AS earlier
  WHERE earlier.gpu = other.gpu AND earlier.host = other.host AND earlier.first_at < other.first_at)`;

export interface StayTable {
  /** `stayEnd`: as stored (see ends.ts) */
  newest(gpu: GpuKey): { readonly stay: Stay | undefined; readonly stayEnd: number | undefined };
  /**
   * Adds a sighting; `newest` is the GPU's newest stay. Returns the newest stay after it.
   * @param times returns the times of the sighting's readings; undefined: unknown
   */
  add(gpu: GpuKey, newest: Stay | undefined, sighting: Stay, times: () => readonly number[] | undefined): Stay;
  /** Moves the end of the stay that begins at `from` to `to`. */
  extend(gpu: GpuKey, stay: Pick<Stay, "from" | "to">): void;
  placements(of: { readonly gpu: GpuUuid } | { readonly host: string }, window: Window): Placement[];
  hosts(): Host[];
}

export function createStayTable(database: Database, buckets: Buckets): StayTable {
  const newest = database.prepare(`SELECT ${STAY}, last_at ${STAYS_OF_GPU} ORDER BY first_at DESC LIMIT 1`);
  const add = database.prepare(`INSERT INTO stays (gpu, first_at, last_at, host, "index") VALUES (?, ?, ?, ?, ?)`);
  const extend = database.prepare("UPDATE stays SET last_at = ?3 WHERE gpu = ?1 AND first_at = ?2");
  const remove = database.prepare("DELETE FROM stays WHERE gpu = ? AND first_at = ?");
  const before = database.prepare(`SELECT ${STAY} ${STAYS_OF_GPU} AND first_at < ?2 ORDER BY first_at DESC LIMIT 1`);
  const from = database.prepare(
    `SELECT ${STAY} ${STAYS_OF_GPU} AND first_at BETWEEN ?2 AND coalesce(
       (SELECT min(first_at) FROM stays WHERE gpu = ?1 AND first_at > ?3), ?3) ORDER BY first_at`,
  );
  const arrivals = database.prepare(
    `SELECT first_at FROM stays AS other WHERE host = ? AND "index" = ? AND first_at > ? AND gpu != ? AND ${NEWCOMER}
     ORDER BY first_at`,
  );
  const touching = (condition: string) =>
    database.prepare(
      `SELECT gpu, uuid, ${STAY},
         NOT EXISTS (SELECT 1 FROM stays AS later WHERE later.gpu = stays.gpu AND later.first_at > stays.first_at)
       FROM stays JOIN gpus ON gpus.id = gpu WHERE ${condition} AND first_at < ? AND ${END} >= ?
       ORDER BY first_at LIMIT ${PLACEMENTS_MAX}`,
    );
  const ofGpu = touching("uuid = ?");
  const ofHost = touching("stays.host = ?");
  const current = database.prepare(
    `SELECT gpu, uuid, stays.host, ${END} FROM stays JOIN gpus ON gpus.id = gpu
     WHERE NOT EXISTS (SELECT 1 FROM stays AS later WHERE later.gpu = stays.gpu AND later.first_at > stays.first_at)
       AND NOT EXISTS (SELECT 1 FROM stays AS other WHERE other.host = stays.host AND other."index" = stays."index"
         AND other.first_at > ${END} AND other.gpu != stays.gpu AND ${NEWCOMER})
     ORDER BY stays.host`,
  );

  const reported = database.prepare(
    `SELECT stays.host, max(${END}) FROM stays JOIN gpus ON gpus.id = gpu GROUP BY stays.host`,
  );

  const put = ({ id }: GpuKey, stay: Stay) => void add.run(id, stay.from, stay.to, stay.host, stay.index);
  const moveEnd = ({ id }: GpuKey, { from, to }: Pick<Stay, "from" | "to">) => void extend.run(id, from, to);

  const usualIntervalOf = (gpu: GpuKey, until: number): number => {
    const times = new Set<number>();
    let oldest = Number.POSITIVE_INFINITY;
    for (const bucket of buckets.newestFirst(gpu, { from: Number.NEGATIVE_INFINITY, to: until })) {
      if (times.size > USUAL_DISTANCES && bucket.to < oldest) break;
      const { at } = bucket.unpack();
      const end = firstTickFrom(at, until + 1);
      for (const time of at.slice(Math.max(0, end - USUAL_DISTANCES - 1), end)) times.add(time);
      oldest = [...times].sort((a, b) => b - a)[USUAL_DISTANCES] ?? Number.NEGATIVE_INFINITY;
    }
    return usualIntervalMs([...times].sort((a, b) => a - b));
  };

  return {
    newest(gpu) {
      const row = newest.get(gpu.id);
      return { stay: row && stayOf(row), stayEnd: row?.[4] as number | undefined };
    },
    add(gpu, known, sighting, timesOf) {
      if (known === undefined || sighting.from > known.to) {
        if (known !== undefined && sameSlot(known, sighting)) {
          const longer = { ...known, to: sighting.to };
          moveEnd(gpu, longer);
          return longer;
        }
        put(gpu, sighting);
        return sighting;
      }
      const near = [...before.all(gpu.id, sighting.from), ...from.all(gpu.id, sighting.from, sighting.to)].map(stayOf);
      const isBetween = (stay: Stay) =>
        stay.from <= sighting.to && stay.to >= sighting.from && !sameSlot(stay, sighting);
      const times = near.some(isBetween) ? timesOf() : undefined;
      const ticks = findTicks(buckets, gpu);
      const stays = times ? addTimes(near, sighting, times, ticks) : addSighting(near, sighting, ticks);
      for (const stay of near) remove.run(gpu.id, stay.from);
      for (const stay of stays) put(gpu, stay);
      return stayOf(newest.get(gpu.id) as Row);
    },
    extend: moveEnd,
    placements(of, window) {
      const rows =
        "gpu" in of ? ofGpu.all(of.gpu, window.to, window.from) : ofHost.all(of.host, window.to, window.from);
      return rows
        .flatMap(([id, uuid, ...rest]) => {
          const stay = stayOf(rest);
          const gpu = { id: id as number, uuid: uuid as GpuUuid };
          const newcomers = arrivals.all(stay.host, stay.index, stay.from, gpu.id).map(([at]) => at as number);
          const isNewest = rest[4] === 1;
          return placementsOf(stay, newcomers, { isNewest, ticks: findTicks(buckets, gpu) }).map(
            (placement): Placement => ({ gpu: gpu.uuid, ...placement }),
          );
        })
        .filter((placement) => placement.from < window.to && placement.to >= window.from)
        .sort(placementOrder)
        .slice(0, PLACEMENTS_MAX);
    },
    hosts() {
      const rows = current.all() as [number, GpuUuid, string, number][];
      const reportedAt = new Map(reported.all() as [string, number][]);
      const hosts = new Map<string, { gpus: number; lost: number; lastSeen: number }>();
      for (const [id, uuid, host, lastSeen] of rows) {
        const silence = (reportedAt.get(host) as number) - lastSeen;
        const isLost = silence > 0 && silence > LOST_INTERVALS * usualIntervalOf({ id, uuid }, lastSeen);
        const known = hosts.get(host) ?? { gpus: 0, lost: 0, lastSeen };
        known.gpus++;
        if (isLost) known.lost++;
        known.lastSeen = Math.max(known.lastSeen, lastSeen);
        hosts.set(host, known);
      }
      return [...hosts].map(([hostname, host]) => ({ hostname, ...host }));
    },
  };
}
