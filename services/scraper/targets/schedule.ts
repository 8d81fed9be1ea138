/** Spreads scrapes over the interval, so that neither the scraper nor the network has all of them at once. */
import { fnv1a } from "../../../schema/model/fnv1a.ts";
import type { Target } from "./target.ts";

/** Returns a number from 0 to 1 (exclusive) that depends on the text alone, so that restarts keep a target's moment. */
export function shareOf(key: string): number {
  // The low bits of FNV-1a depend little on the first characters.
  let hash = fnv1a(key);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Returns the first moment after `after` at which the target is due, ms since the epoch. */
export function nextScrapeAt({ key }: Target, intervalMs: number, after: number): number {
  const offset = Math.floor(shareOf(key) * intervalMs);
  return (Math.floor((after - offset) / intervalMs) + 1) * intervalMs + offset;
}
