/** Reads attribution: joins the days, so that intervals that span midnight are one again. */
import type { Attribution, GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Window } from "../../../../schema/model/window.ts";
import { ATTRIBUTIONS_MAX, type Held, isNobody, sameHolder } from "../../holders.ts";
import { answersForMany } from "../../many.ts";
import type { GpuRepository } from "../../port.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type CallOptions, type Link, reading, writing } from "../connection/link.ts";
import type { AttributionDocument, Collections } from "../documents.ts";
import { dateOf } from "../readings/bucket-documents.ts";
import type { Buckets } from "../readings/buckets.ts";
import { DAY_MS, dayOf, heldOf, isCut, isNewer, revisionDocument } from "./attribution-days.ts";
import type { AttributionLedger } from "./attribution-ledger.ts";

/** Documents per round trip. */
const FETCH = 64;
/** GPUs read concurrently; each takes a connection. */
const ABREAST = 8;
/** How many days a call of `expire` shortens at most. */
const SHORTENED_MAX = 1000;

export interface Attributions extends Pick<GpuRepository, "attributions"> {
  /** Drops intervals that end before `before`, ms. */
  expire(before: number): Promise<void>;
}

/** Yields the newest revision of each day. Revisions must come in order of `from`, which groups them by day. */
async function* newestOfDays(revisions: AsyncIterable<AttributionDocument>): AsyncGenerator<AttributionDocument> {
  let newest: AttributionDocument | undefined;
  for await (const one of revisions) {
    if (newest !== undefined && one.day !== newest.day) yield newest;
    else if (!isNewer(one, newest)) continue;
    newest = one;
  }
  if (newest !== undefined) yield newest;
}

export function createAttributions(
  link: Link,
  { attributions }: Collections,
  { ledger, buckets }: { ledger: AttributionLedger; buckets: Buckets },
): Attributions {
  const { call } = link;
  /**
   * Returns a day's intervals. Moves each end that a writer has cut to the nearest reading in the interval; drops the
   * interval if it has no reading.
   */
  const intervalsOf = async ({ day, gpu, held }: AttributionDocument, signal: AbortSignal): Promise<Held[]> => {
    const known = ledger.current(day, held.map(heldOf));
    const exact: Held[] = [];
    for (const [index, interval] of known.entries()) {
      let { from, to }: { from: number | undefined; to: number | undefined } = interval;
      if (isCut(known[index - 1], interval)) from = await buckets.tickAfter(gpu, from - 1, to, signal);
      if (from !== undefined && isCut(interval, known[index + 1])) {
        to = await buckets.tickBefore(gpu, to + 1, from, signal);
      }
      if (from !== undefined && to !== undefined) exact.push({ ...interval, from, to });
    }
    return exact;
  };

  const touching = async (gpu: GpuUuid, window: Window, signal: AbortSignal): Promise<Held[]> => {
    const firstDay = dateOf(dayOf(window.from));
    const found: Held[] = [];
    const options = { ...reading(signal), batchSize: FETCH };
    await using later = attributions.find({ gpu, from: { $gte: firstDay } }, { ...options, sort: { from: 1 } });
    // The first interval after the window is read too, because it may continue the last one within the window.
    gather: for await (const day of newestOfDays(later)) {
      for (const held of await intervalsOf(day, signal)) {
        const last = found.at(-1);
        if (last !== undefined && sameHolder(last.holder, held.holder)) {
          found[found.length - 1] = { ...last, to: held.to };
          continue;
        }
        if (last !== undefined && (held.from >= window.to || found.length > 2 * ATTRIBUTIONS_MAX)) break gather;
        found.push(held);
      }
    }
    const [first] = found;
    if (first === undefined) return found;
    await using earlier = attributions.find({ gpu, from: { $lt: firstDay } }, { ...options, sort: { from: -1 } });
    let { from } = first;
    back: for await (const day of newestOfDays(earlier)) {
      for (const held of (await intervalsOf(day, signal)).reverse()) {
        if (!sameHolder(held.holder, first.holder)) break back;
        from = held.from;
      }
    }
    found[0] = { ...first, from };
    return found;
  };

  const attributionsOf = (gpu: GpuUuid, window: Window, options: CallOptions): Promise<Attribution[]> =>
    call(async (signal) => {
      const found = await touching(gpu, window, signal);
      return found
        .filter(({ holder, from, to }) => !isNobody(holder) && from < window.to && to >= window.from)
        .slice(0, ATTRIBUTIONS_MAX)
        .map(({ holder, from, to }): Attribution => ({ gpu, ...holder, from, to }));
    }, options);

  const shorten = async (before: number, signal: AbortSignal): Promise<void> => {
    const days = attributions
      .find(
        { to: { $gte: dateOf(before), $lt: dateOf(before + DAY_MS) } },
        { ...reading(signal), sort: { gpu: 1, from: 1 } },
      )
      .limit(SHORTENED_MAX);
    const shorter: AttributionDocument[] = [];
    for await (const { day: id, gpu, rev, held } of newestOfDays(days)) {
      const kept = held.map(heldOf).filter(({ to }) => to >= before);
      if (kept.length < held.length) shorter.push(revisionDocument({ id, gpu, rev: rev + 1, held: kept }));
    }
    // If another writer has changed a day meanwhile, the next call shortens it.
    if (shorter.length > 0) await insertNew(link, attributions, shorter, signal);
  };

  return {
    attributions(gpus, window, { max, ...options }) {
      const ask = (some: readonly GpuUuid[]) => Promise.all(some.map((gpu) => attributionsOf(gpu, window, options)));
      return answersForMany(gpus, ask, ({ length }) => length, { slice: ABREAST, max, signal: options.signal });
    },
    expire: (before) =>
      call(async (signal) => {
        await attributions.deleteMany({ to: { $lt: dateOf(before) } }, writing(signal));
        await shorten(before, signal);
        ledger.reread();
      }),
  };
}
