/** The table of holds. Call all functions inside `database.read` or `database.write`. */
import type { GpuUuid, Hold } from "../../../schema/model/gpu.ts";
import { type Holder, type HolderSet, holderSetOf, NOBODY } from "../../../schema/model/holder.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { HoldRecord } from "../holds/derive.ts";
import { HOLDS_MAX, holdOrder } from "../holds.ts";
import type { GpuKey } from "./buckets.ts";
import type { Database, Row } from "./database.ts";
import { endIn, endOf } from "./ends.ts";
import { IS_OPEN, overlapping } from "./hold-conditions.ts";
import type { HolderTable } from "./holders.ts";
import type { HoldRows, StoredHold } from "./open-holds.ts";

/** Holders of several GPUs at present. */
export interface OpenHolders {
  /** Of the card and of all instances. */
  ofGpu(gpu: number): HolderSet;
  ofInstance(gpu: number, instance: string): HolderSet;
}

export interface HoldTable extends HoldRows {
  openOf(gpus: readonly number[]): OpenHolders;
  overlapping(gpu: GpuKey, window: Window): Hold[];
  /** Returns the holds of a GPU that have not ended. */
  notEnded(gpu: number): readonly StoredHold[];
  /** Returns the holds of a GPU that begin or end at or after the time, or have not ended. */
  reachingInto(gpu: GpuKey, from: number): readonly HoldRecord[];
  /** Writes the difference between two lists of holds. */
  replace(gpu: GpuKey, known: readonly HoldRecord[], records: readonly HoldRecord[]): void;
}

/** Columns of `holdOf`; needs `gpus` beside `holds`. */
export const HOLD_COLUMNS = `holds.gpu, gpus.uuid, instance, holder, first_at, ${endOf("last_at")}, ${IS_OPEN}`;

export const holdOf = ([, uuid, instance, holder, from, to, isOpen]: Row, holders: HolderTable): Hold => ({
  gpu: uuid as GpuUuid,
  instance: instance === "" ? null : (instance as string),
  holder: holders.of(holder as number),
  from: from as number,
  to: to as number,
  isOpen: isOpen === 1,
});

export function createHoldTable(database: Database, holders: HolderTable): HoldTable {
  const open = database.prepare(
    `SELECT gpu, instance, holder FROM holds JOIN gpus ON gpus.id = gpu
     WHERE gpu IN (SELECT value FROM json_each(?)) AND ${IS_OPEN}`,
  );
  const touching = database.prepare(
    `SELECT ${HOLD_COLUMNS} FROM holds JOIN gpus ON gpus.id = gpu
     WHERE gpu = ? AND ${overlapping({ from: 0, to: 0 })[0]} ORDER BY first_at, instance, holder LIMIT ${HOLDS_MAX}`,
  );
  const recordColumns = `SELECT instance, holder, first_at, last_at, ended, usual_ms, gpus.last_seen
    FROM holds JOIN gpus ON gpus.id = gpu WHERE gpu = ?1`;
  const notEnded = database.prepare(`${recordColumns} AND ended IS NULL`);
  const reaching = database.prepare(`${recordColumns} AND (first_at >= ?2 OR ended IS NULL OR ended >= ?2)`);
  const put = database.prepare(
    `INSERT OR REPLACE INTO holds (gpu, instance, holder, first_at, last_at, ended, usual_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = database.prepare("DELETE FROM holds WHERE gpu = ? AND instance = ? AND holder = ? AND first_at = ?");
  const extend = database.prepare(
    `UPDATE holds SET last_at = ?5, usual_ms = ?6
     WHERE gpu = ?1 AND instance = ?2 AND holder = ?3 AND first_at = ?4`,
  );

  const storedOf = ([instance, holder, from, lastAt, ended, usualMs, lastSeen]: Row): StoredHold => {
    const to = endIn(lastAt as number, lastSeen as number);
    const named = { instance: instance === "" ? null : instance, holder: holders.of(holder as number) };
    return { hold: { ...named, from, to, ended, usualMs } as HoldRecord, lastAt: lastAt as number };
  };
  const keyOf = (gpu: GpuKey, { instance, holder, from }: HoldRecord) =>
    [gpu.id, instance ?? "", holders.idOf(holder), from] as const;

  const write = (gpu: GpuKey, record: HoldRecord, lastAt: number) => {
    const [id, instance, holder, from] = keyOf(gpu, record);
    put.run(id, instance, holder, from, lastAt, record.ended, record.usualMs);
  };

  return {
    openOf(gpus) {
      const named = new Map<string, Holder[]>();
      const add = (key: string, holder: Holder) => {
        const known = named.get(key);
        if (known === undefined) named.set(key, [holder]);
        else known.push(holder);
      };
      for (const [gpu, instance, id] of open.all(JSON.stringify(gpus))) {
        const holder = holders.of(id as number);
        add(`${gpu}`, holder);
        if (instance !== "") add(`${gpu} ${instance}`, holder);
      }
      const setOf = (key: string) => holderSetOf(named.get(key) ?? NOBODY);
      return { ofGpu: (gpu) => setOf(`${gpu}`), ofInstance: (gpu, instance) => setOf(`${gpu} ${instance}`) };
    },
    overlapping: ({ id }, { from, to }) =>
      touching
        .all(id, from, to)
        .map((row) => holdOf(row, holders))
        .sort(holdOrder),
    notEnded: (gpu) => notEnded.all(gpu).map(storedOf),
    reachingInto: ({ id }, from) => reaching.all(id, from).map((row) => storedOf(row).hold),
    replace(gpu, known, records) {
      const stale = new Map(known.map((record) => [keyOf(gpu, record).join("\n"), record]));
      for (const record of records) {
        const key = keyOf(gpu, record);
        const old = stale.get(key.join("\n"));
        stale.delete(key.join("\n"));
        const { to, ended, usualMs } = record;
        if (old?.to === to && old.ended === ended && old.usualMs === usualMs) continue;
        write(gpu, record, to);
      }
      for (const record of stale.values()) remove.run(...keyOf(gpu, record));
    },
    put: write,
    extend: (gpu, record, lastAt) => void extend.run(...keyOf(gpu, record), lastAt, record.usualMs),
  };
}
