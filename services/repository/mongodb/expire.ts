/** Expires old buckets, a bounded number per call. Needed on servers without TTL indexes. */
import type { TelemetryRepository } from "../port.ts";
import { type Link, reading, writing } from "./connection/link.ts";
import type { Collections } from "./documents.ts";
import { dateOf } from "./readings/bucket-documents.ts";

/** How many buckets a call drops at most. */
const EXPIRE_MAX = 1000;

export function createExpire({ call }: Link, { points }: Pick<Collections, "points">): TelemetryRepository["expire"] {
  return (before) =>
    call(async (signal) => {
      // Oldest first: the newest bucket of a series is never dropped before older ones.
      const old = await points
        .find({ to: { $lt: dateOf(before) } }, { ...reading(signal), projection: { _id: 1 }, sort: { to: 1 } })
        .limit(EXPIRE_MAX)
        .toArray();
      if (old.length === 0) return 0;
      await points.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } }, writing(signal));
      return old.length;
    });
}
