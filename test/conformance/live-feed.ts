/** The conformance suite of the live feed's port, which every implementation passes. */
import { describe } from "bun:test";
import type { OpenLiveFeed } from "./live-feed/bench.ts";
import { conflationConformance } from "./live-feed/conflation.ts";
import { filterConformance } from "./live-feed/filters.ts";
import { lifetimeConformance } from "./live-feed/lifetime.ts";

export function liveFeedConformance(name: string, open: OpenLiveFeed): void {
  describe(`${name} live feed`, () => {
    lifetimeConformance(open);
    filterConformance(open);
    conflationConformance(open);
  });
}
