/** Spreads scrapes over the interval, so that neither the scraper nor the network has all of them at once. */
import { mixedHash } from "../../../schema/model/fnv1a.ts";
import type { Target } from "./target.ts";

/** Returns a number from 0 to 1 (exclusive) that depends on the text alone, so that restarts keep a target's moment. */
export const shareOf = (key: string): number => mixedHash(key) / 2 ** 32;

/** Returns the first moment after `after` at which the target is due, ms since the epoch. */
export function nextScrapeAt({ key }: Target, intervalMs: number, after: number): number {
  const offset = Math.floor(shareOf(key) * intervalMs);
  return (Math.floor((after - offset) / intervalMs) + 1) * intervalMs + offset;
}
