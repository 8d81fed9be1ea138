/** The inventory table: one row per GPU. Call all functions inside `database.read` or `database.write`. */
import type { Gpu, GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import { type KnownGpu, placeOf } from "../inventory.ts";
import type { GpuFilter, GpuPage, GpuQuery } from "../port.ts";
import type { Cell, Database, Row } from "./database.ts";
import { type Condition, ofHolder, openHold, overlapping } from "./hold-conditions.ts";
import type { HoldTable } from "./holds.ts";
import type { InstanceTable } from "./instances.ts";

const FACTS = `host, "index", device, model, driver, pci_bus_id, labels, first_seen, last_seen`;
const ID_AND_GPU = `gpus.id, uuid, ${FACTS}`;

interface GpuRow {
  readonly id: number;
  readonly gpu: KnownGpu;
}

/** Times of a GPU whose readings are all later than the present. */
const NEVER = 0;

const rowOf = ([id, uuid, host, index, device, model, driver, pciBusId, labels, firstSeen, lastSeen]: Row): GpuRow =>
  ({ id, gpu: { uuid, index, device, model, host, driver, pciBusId, labels, firstSeen, lastSeen } }) as GpuRow;

export interface GpuTable {
  /** `gpu` is undefined if all its readings are later than the present. */
  find(uuid: GpuUuid): { readonly id: number; readonly gpu: KnownGpu | undefined } | undefined;
  /** Adds a GPU that is not listed before `update`. Returns its id. */
  add(facts: GpuFacts): number;
  update(id: number, gpu: KnownGpu): void;
  updateTimes(id: number, gpu: KnownGpu): void;
  page(query: GpuQuery): GpuPage;
  byUuid(uuids: readonly GpuUuid[]): Gpu[];
}

/** Returns the conditions of a filter that apply to a row of `gpus`. */
function conditionsOf({ hostname, model, seenSince, window, ...holder }: GpuFilter): Condition[] {
  const conditions: Condition[] = [];
  if (hostname !== undefined) conditions.push(["gpus.host = ?", hostname]);
  if (model !== undefined) conditions.push(["gpus.model = ?", model]);
  if (seenSince !== undefined) conditions.push(["gpus.last_seen >= ?", seenSince]);
  const held = ofHolder(holder);
  if (held.length > 0) {
    const [when, ...values] = window === undefined ? openHold() : overlapping(window);
    conditions.push([
      `gpus.id IN (SELECT holds.gpu FROM holders JOIN holds ON holds.holder = holders.id
       JOIN gpus ON gpus.id = holds.gpu WHERE ${[...held.map(([text]) => text), when].join(" AND ")})`,
      ...held.flatMap(([, ...parts]) => parts),
      ...values,
    ]);
  }
  return conditions;
}

export function createGpuTable(database: Database, parts: { holds: HoldTable; instances: InstanceTable }): GpuTable {
  const find = database.prepare(`SELECT ${ID_AND_GPU}, is_present FROM gpus WHERE uuid = ?`);
  const add = database.prepare(
    `INSERT INTO gpus (is_present, uuid, place, ${FACTS}) VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`,
  );
  const update = database.prepare(
    `UPDATE gpus SET is_present = 1, place = ?2, (${FACTS}) = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) WHERE id = ?1`,
  );
  const updateTimes = database.prepare("UPDATE gpus SET first_seen = ?2, last_seen = ?3 WHERE id = ?1");
  const byUuid = database.prepare(
    `SELECT ${ID_AND_GPU} FROM gpus WHERE is_present = 1 AND uuid IN (SELECT value FROM json_each(?))`,
  );

  const cells = (gpu: KnownGpu) =>
    [
      placeOf(gpu.index),
      gpu.host,
      gpu.index,
      gpu.device,
      gpu.model,
      gpu.driver,
      gpu.pciBusId,
      gpu.labels,
      gpu.firstSeen,
      gpu.lastSeen,
    ] as const;

  /** Adds holders and instances. */
  const gpusOf = (rows: readonly Row[]): Gpu[] => {
    const found = rows.map(rowOf);
    const open = parts.holds.openOf(found.map(({ id }) => id));
    const instances = parts.instances.present(found.map(({ id }) => id));
    return found.map(({ id, gpu }) => ({
      ...gpu,
      holders: open.ofGpu(id),
      instances: (instances.get(id) ?? []).map((instance) => ({
        ...instance,
        holders: open.ofInstance(id, instance.id),
      })),
    }));
  };

  return {
    find(uuid) {
      const row = find.get(uuid);
      return row && { ...rowOf(row), ...(row.at(-1) === 0 && { gpu: undefined }) };
    },
    add: (facts) =>
      Number(add.run(facts.uuid, ...cells({ ...facts, firstSeen: NEVER, lastSeen: NEVER })).lastInsertRowid),
    update: (id, gpu) => void update.run(id, ...cells(gpu)),
    updateTimes: (id, { firstSeen, lastSeen }) => void updateTimes.run(id, firstSeen, lastSeen),
    page({ filter = {}, limit, after }) {
      const conditions = conditionsOf(filter);
      const matching = ["is_present = 1", ...conditions.map(([text]) => text)].join(" AND ");
      const values: Cell[] = conditions.flatMap(([, ...bound]) => bound);
      const place = after === undefined ? -1 : placeOf(after.index);
      const rows = database
        .prepare(
          `SELECT ${ID_AND_GPU} FROM gpus WHERE ${matching} AND (host, place, uuid) > (?, ?, ?)
           ORDER BY host, place, uuid LIMIT ?`,
        )
        .all(...values, after?.host ?? "", place, after?.uuid ?? "", limit + 1);
      const gpus = gpusOf(rows.slice(0, limit));
      const last = rows.length > limit ? gpus.at(-1) : undefined;
      return {
        gpus,
        total: database.prepare(`SELECT count(*) FROM gpus WHERE ${matching}`).get(...values)?.[0] as number,
        next: last ? { host: last.host, index: last.index, uuid: last.uuid } : null,
      };
    },
    byUuid: (uuids) => gpusOf(byUuid.all(JSON.stringify(uuids))),
  };
}
