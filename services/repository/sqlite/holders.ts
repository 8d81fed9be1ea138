/** Gives each holder an id, so that a hold refers to it in a byte or two. Holders are never changed or dropped. */
import { type Holder, holderKey, holderOfKey } from "../../../schema/model/holder.ts";
import type { Database } from "./database.ts";

/** Holders, about 300 bytes each, above which the cache is emptied. */
const CACHE_MAX = 20_000;

export interface HolderTable {
  /** Adds the holder if it is new. Call inside a write. */
  idOf(holder: Holder): number;
  of(id: number): Holder;
  /** Call after a write that failed, because the holders that it added were rolled back. */
  forget(): void;
}

export function createHolderTable(database: Database): HolderTable {
  const ids = new Map<string, number>();
  /** Spares the text of the key: a hold keeps its holder while it is extended. */
  let idOfObject = new WeakMap<Holder, number>();
  const holders = new Map<number, Holder>();
  const find = database.prepare("SELECT id FROM holders WHERE key = ?");
  const add = database.prepare("INSERT INTO holders (key, namespace, pod, job) VALUES (?, ?, ?, ?)");
  const load = database.prepare("SELECT key FROM holders WHERE id = ?");
  const remember = (id: number, key: string, holder: Holder) => {
    if (ids.size >= CACHE_MAX) {
      ids.clear();
      holders.clear();
    }
    ids.set(key, id);
    holders.set(id, holder);
  };
  return {
    idOf(holder) {
      const known = idOfObject.get(holder);
      if (known !== undefined) return known;
      const key = holderKey(holder);
      let id = ids.get(key);
      if (id === undefined) {
        const [namespace, pod, job] =
          holder.kind === "pod" ? [holder.namespace ?? "", holder.pod ?? "", ""] : ["", "", holder.job];
        id = (find.get(key)?.[0] as number | undefined) ?? Number(add.run(key, namespace, pod, job).lastInsertRowid);
        remember(id, key, holder);
      }
      idOfObject.set(holder, id);
      return id;
    },
    of(id) {
      let holder = holders.get(id);
      if (holder === undefined) {
        const [key] = load.get(id) as readonly [string];
        holder = holderOfKey(key);
        remember(id, key, holder);
      }
      return holder;
    },
    forget() {
      idOfObject = new WeakMap();
      ids.clear();
      holders.clear();
    },
  };
}
