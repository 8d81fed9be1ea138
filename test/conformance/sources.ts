/** The conformance suite of the port of sources. */
import { describe } from "bun:test";
import type { OpenSources } from "./sources/bench.ts";
import { contentConformance } from "./sources/content.ts";
import { findingConformance } from "./sources/finding.ts";
import { readingConformance } from "./sources/reading.ts";
import { resumingConformance } from "./sources/resuming.ts";

export function sourcesConformance(name: string, open: OpenSources): void {
  describe(`${name} sources`, () => {
    findingConformance(open);
    readingConformance(open);
    resumingConformance(open);
    contentConformance(open);
  });
}
