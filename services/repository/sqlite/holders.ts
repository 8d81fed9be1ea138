/** Gives each holder an id, so that a hold refers to it in a byte or two. Holders are never changed or dropped. */
import { type Holder, holderKey } from "../../../schema/model/holder.ts";
import type { Cell, Database, Row } from "./database.ts";

/** Holders, about 300 bytes each, above which the cache is emptied. */
const CACHE_MAX = 20_000;

/** `holders.form`: the sum of what holds. Columns that order and filter have no null. */
const JOB = 1;
const EMPTY_NAMESPACE = 2;
const EMPTY_POD = 4;

export interface HolderTable {
  /** Adds the holder if it is new. Call inside a write. */
  idOf(holder: Holder): number;
  of(id: number): Holder;
  /** Call after a write that failed, because the holders that it added were rolled back. */
  forget(): void;
}

function cellsOf(holder: Holder): Cell[] {
  if (holder.kind === "job") return ["", "", null, null, holder.job, JOB];
  const { namespace, pod, container, podUid } = holder;
  const form = (namespace === "" ? EMPTY_NAMESPACE : 0) + (pod === "" ? EMPTY_POD : 0);
  return [namespace ?? "", pod ?? "", container, podUid, "", form];
}

function holderOf([namespace, pod, container, podUid, job, form]: Row): Holder {
  if (form === JOB) return { kind: "job", job: job as string };
  const nullIf = (text: Cell | undefined, empty: number) =>
    text === "" && ((form as number) & empty) === 0 ? null : text;
  return {
    kind: "pod",
    namespace: nullIf(namespace, EMPTY_NAMESPACE),
    pod: nullIf(pod, EMPTY_POD),
    container,
    podUid,
  } as Holder;
}

export function createHolderTable(database: Database): HolderTable {
  const ids = new Map<string, number>();
  /** Spares the text of the key: a hold keeps its holder while it is extended. */
  let idOfObject = new WeakMap<Holder, number>();
  const holders = new Map<number, Holder>();
  const find = database.prepare(
    `SELECT id FROM holders
     WHERE namespace = ? AND pod = ? AND container IS ? AND pod_uid IS ? AND job = ? AND form = ?`,
  );
  const add = database.prepare(
    "INSERT INTO holders (namespace, pod, container, pod_uid, job, form) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const load = database.prepare("SELECT namespace, pod, container, pod_uid, job, form FROM holders WHERE id = ?");
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
        const cells = cellsOf(holder);
        id = (find.get(...cells)?.[0] as number | undefined) ?? Number(add.run(...cells).lastInsertRowid);
        remember(id, key, holder);
      }
      idOfObject.set(holder, id);
      return id;
    },
    of(id) {
      let holder = holders.get(id);
      if (holder === undefined) {
        holder = holderOf(load.get(id) as Row);
        remember(id, holderKey(holder), holder);
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
