/** What keeps a process from its work at present, told by its parts and asked for by its probes. */
import type { Health } from "./health.ts";

export class Troubles {
  readonly #away = new Map<string, string>();

  /** What a part calls with its problem, and with null when there is none any more. */
  of(part: string): (problem: string | null) => void {
    return (problem) => {
      if (problem === null) this.#away.delete(part);
      else this.#away.set(part, problem);
    };
  }

  get health(): Health {
    return { healthy: this.#away.size === 0, away: Object.fromEntries(this.#away) };
  }
}
