/** The inventory table: one row per GPU. Call all functions inside `database.read` or `database.write`. */
import type { Gpu, GpuUuid, Host } from "../../../schema/model/gpu.ts";
import { placeOf } from "../inventory.ts";
import type { GpuPage, GpuQuery } from "../port.ts";
import type { Database, Row } from "./database.ts";

const FACTS = `host, "index", device, model, driver, container, pod, namespace, first_seen, last_seen`;

const gpuOf = ([uuid, host, index, device, model, driver, container, pod, namespace, firstSeen, lastSeen]: Row): Gpu =>
  ({ uuid, index, device, model, host, driver, container, pod, namespace, firstSeen, lastSeen }) as Gpu;

export interface GpuTable {
  find(uuid: GpuUuid): { readonly id: number; readonly gpu: Gpu } | undefined;
  /** Returns the id of the new row. */
  add(gpu: Gpu): number;
  update(id: number, gpu: Gpu): void;
  updateTimes(id: number, gpu: Gpu): void;
  page(query: GpuQuery): GpuPage;
  byUuid(uuids: readonly GpuUuid[]): Gpu[];
  hosts(): Host[];
}

export function createGpuTable(database: Database): GpuTable {
  const find = database.prepare(`SELECT id, uuid, ${FACTS} FROM gpus WHERE uuid = ?`);
  const add = database.prepare(
    `INSERT INTO gpus (uuid, place, ${FACTS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,
  );
  const update = database.prepare(
    `UPDATE gpus SET place = ?2, (${FACTS}) = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) WHERE id = ?1`,
  );
  const updateTimes = database.prepare("UPDATE gpus SET first_seen = ?2, last_seen = ?3 WHERE id = ?1");
  const matching = `(?1 IS NULL OR host = ?1) AND (?2 IS NULL OR namespace = ?2) AND (?3 IS NULL OR model = ?3)`;
  const count = database.prepare(`SELECT count(*) FROM gpus WHERE ${matching}`);
  const page = database.prepare(
    `SELECT uuid, ${FACTS} FROM gpus WHERE ${matching} AND (host, place, uuid) > (?4, ?5, ?6)
     ORDER BY host, place, uuid LIMIT ?7`,
  );
  const byUuid = database.prepare(`SELECT uuid, ${FACTS} FROM gpus WHERE uuid IN (SELECT value FROM json_each(?))`);
  const hosts = database.prepare("SELECT host, count(*), max(last_seen) FROM gpus GROUP BY host ORDER BY host");

  const cells = (gpu: Gpu) =>
    [
      placeOf(gpu.index),
      gpu.host,
      gpu.index,
      gpu.device,
      gpu.model,
      gpu.driver,
      gpu.container,
      gpu.pod,
      gpu.namespace,
      gpu.firstSeen,
      gpu.lastSeen,
    ] as const;

  return {
    find(uuid) {
      const row = find.get(uuid);
      return row && { id: row[0] as number, gpu: gpuOf(row.slice(1)) };
    },
    add: (gpu) => Number(add.run(gpu.uuid, ...cells(gpu)).lastInsertRowid),
    update: (id, gpu) => void update.run(id, ...cells(gpu)),
    updateTimes: (id, { firstSeen, lastSeen }) => void updateTimes.run(id, firstSeen, lastSeen),
    page({ filter = {}, limit, after }) {
      const conditions = [filter.hostname ?? null, filter.namespace ?? null, filter.model ?? null] as const;
      const place = after === undefined ? -1 : placeOf(after.index);
      const rows = page.all(...conditions, after?.host ?? "", place, after?.uuid ?? "", limit + 1);
      const gpus = rows.slice(0, limit).map(gpuOf);
      const last = rows.length > limit ? gpus.at(-1) : undefined;
      return {
        gpus,
        total: count.get(...conditions)?.[0] as number,
        next: last ? { host: last.host, index: last.index, uuid: last.uuid } : null,
      };
    },
    byUuid: (uuids) => byUuid.all(JSON.stringify(uuids)).map(gpuOf),
    hosts: () => hosts.all().map(([hostname, gpus, lastSeen]) => ({ hostname, gpus, lastSeen }) as Host),
  };
}
