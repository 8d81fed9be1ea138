/** Reads what version 1 stored of holders: the evidence of its buckets. Call inside `database.read` or `write`. */
import { type Holder, NOBODY } from "../../../schema/model/holder.ts";
import type { EarlierHolders } from "../holds/bucket-evidence.ts";
import type { GpuKey } from "./buckets.ts";
import type { Database } from "./database.ts";

export interface EarlierAttributions {
  of(gpu: GpuKey): EarlierHolders;
  /** Drops attributions that end before `before`, ms. */
  expire(before: number): void;
}

export function createEarlierAttributions(database: Database): EarlierAttributions {
  const at = database.prepare(
    `SELECT namespace, pod, container FROM attributions WHERE gpu = ?1 AND last_at >= ?2 AND first_at =
       (SELECT max(first_at) FROM attributions WHERE gpu = ?1 AND first_at <= ?2)`,
  );
  const expire = database.prepare("DELETE FROM attributions WHERE last_at < ?");
  return {
    of:
      ({ id }) =>
      (time) => {
        const [namespace = null, pod = null, container = null] = (at.get(id, time) ?? []) as (string | null)[];
        if (namespace === null && pod === null && container === null) return NOBODY;
        const holder: Holder = { kind: "pod", namespace, pod, container, podUid: null };
        return [holder];
      },
    expire: (before) => void expire.run(before),
  };
}
