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
    return this.addedTo({ healthy: true, away: {} });
  }

  /** Health with these troubles beside it. */
  addedTo({ away: others }: Health): Health {
    const away = { ...others, ...Object.fromEntries(this.#away) };
    return { healthy: Object.keys(away).length === 0, away };
  }
}
