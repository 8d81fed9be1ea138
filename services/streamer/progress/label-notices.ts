/** Logs labels that are ignored, and series that have differing values at one time: each once per source. */
import type { DifferingRows } from "../../../schema/batch/block-cutter.ts";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Tally } from "./summary.ts";

/** How many labels, and how many series, are logged per source. An exporter has a few; more come from damaged input. */
const MAX_LOGGED = 100;

export class LabelNotices {
  readonly #tally: Tally;
  readonly #log: Logger;
  /** By message and source: the labels or series logged. */
  readonly #logged = new Map<string, Set<string>>();

  constructor(tally: Tally, log: Logger) {
    this.#tally = tally;
    this.#log = log;
  }

  /** @param metric the first one of which the label was ignored */
  ignored(source: string, label: string, metric: string): void {
    if (!this.#isNew("labels ignored", source, label)) return;
    this.#tally.ignored();
    this.#log.info("label ignored", { source, label, metric });
  }

  /** @param rows the first ones of the series with different values at one time */
  differing(source: string, { gpu, series, at, values }: DifferingRows): void {
    if (!this.#isNew("values differ", source, series)) return;
    this.#log.warn("values differ", { source, gpu, series, at: formatTimestamp(at), values });
  }

  /** Returns true for the first texts of a source, each once, and logs when there are more. */
  #isNew(what: "labels ignored" | "values differ", source: string, text: string): boolean {
    const key = `${what} ${source}`;
    const logged = this.#logged.get(key) ?? new Set();
    this.#logged.set(key, logged);
    if (logged.size > MAX_LOGGED || logged.has(text)) return false;
    logged.add(text);
    if (logged.size <= MAX_LOGGED) return true;
    this.#log.info(`further ${what}`, { source, logged: MAX_LOGGED });
    return false;
  }
}
