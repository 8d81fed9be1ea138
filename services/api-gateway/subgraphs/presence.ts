/** Says once that a subgraph went away, and once that it is back, however many ask. */
import type { Logger } from "../../platform/process/logger.ts";

export class Presence {
  readonly #log: Logger;
  #away = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  get isAway(): boolean {
    return this.#away;
  }

  /** @param reason for the operator */
  away(reason: string): void {
    if (!this.#away) this.#log.warn("subgraph away", { reason });
    this.#away = true;
  }

  back(): void {
    if (this.#away) this.#log.info("subgraph back");
    this.#away = false;
  }
}
