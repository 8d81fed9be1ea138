/** What a scraper counts, and what it depends on. */

/** What a scraper has done; the numbers only grow, except `targets`. */
export interface ScraperTotals {
  scrapes: number;
  failed: number;
  /** Readings and marks in the spool. */
  recorded: number;
  /** Readings and marks of scrapes that did not fit into the spool, or that its disk has refused: a gap. */
  lost: number;
  skipped: number;
  /** Looks at a list of targets that gave none. */
  listFailures: number;
  /** Targets at this moment. */
  targets: number;
}

export const NO_TOTALS: ScraperTotals = {
  scrapes: 0,
  failed: 0,
  recorded: 0,
  lost: 0,
  skipped: 0,
  listFailures: 0,
  targets: 0,
};

/**
 * Without the queue, scrapes are recorded; without the spool, they are lost. `targets`: nothing can be scraped, because
 * a source has given no list.
 */
export type Dependency = "queue" | "spool" | "targets";
