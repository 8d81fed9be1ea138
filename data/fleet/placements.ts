/** Derives placements: in which slot a card reported, from its first to its last reading there. */
import type { Stay } from "./cards.ts";
import { usualIntervalMs } from "./holds.ts";

/** The readings of one card during one stay. */
export interface Visit {
  readonly stay: Stay;
  /** Ticks of the first and the last reading. */
  readonly first: number;
  readonly last: number;
  /** The last ticks with readings, as many as tell the usual interval. */
  readonly tail: readonly number[];
}

export interface TickPlacement {
  readonly card: number;
  readonly host: number;
  readonly index: number;
  readonly from: number;
  readonly to: number;
  /** Why the placement is over; null: it is not. */
  readonly ended: "moved" | "replaced" | null;
  /** True if the placement is not over, but the card has been silent while another card of its host reported. */
  readonly lost: boolean;
}

const LOST_INTERVALS = 5;

/** @param visits of all cards, in any order */
export function derivePlacements(visits: readonly Visit[], intervalMs: number): TickPlacement[] {
  const byHost = Map.groupBy(visits, ({ stay }) => stay.host);
  const byCard = Map.groupBy(visits, ({ stay }) => stay.card);
  /** A card is new to a host if it has not reported there before. */
  const isNewcomer = (visit: Visit): boolean =>
    !byCard.get(visit.stay.card)!.some((other) => other.stay.host === visit.stay.host && other.first < visit.first);
  const placements: TickPlacement[] = [];
  for (const own of byCard.values()) {
    const left = own.toSorted((a, b) => a.first - b.first);
    for (let visit = left.shift(); visit !== undefined; visit = left.shift()) {
      const { card, host, index } = visit.stay;
      const tail = [...visit.tail];
      let to = visit.last;
      const newcomer = byHost
        .get(host)!
        .filter((other) => other.stay.index === index && other.stay.card !== card && other.first > visit.first)
        .filter(isNewcomer)
        .reduce((least, other) => Math.min(least, other.first), Number.POSITIVE_INFINITY);
      // A card that comes back to its slot, in which no other card new to the host has reported, has never left.
      while (left[0]?.stay.host === host && left[0].stay.index === index && left[0].first < newcomer) {
        const again = left.shift()!;
        tail.push(...again.tail);
        to = again.last;
      }
      const elsewhere = left[0]?.first ?? Number.POSITIVE_INFINITY;
      const over = Math.min(elsewhere, newcomer) < Number.POSITIVE_INFINITY;
      const ended = over ? (elsewhere <= newcomer ? "moved" : "replaced") : null;
      const patienceMs = LOST_INTERVALS * usualIntervalMs(tail, tail.length, intervalMs);
      const siblings = byHost.get(host)!.filter((other) => other.stay.card !== card);
      const lost = !over && siblings.some((other) => (other.last - to) * intervalMs > patienceMs);
      placements.push({ card, host, index, from: visit.first, to, ended, lost });
    }
  }
  return placements;
}
