/** Follows each card through the slots of the fleet: where it is from when to when. */
import { createStream, hex, serialNumber } from "../random.ts";
import { faultsOf, faultWindowMs, type HostFaults, type Surgery } from "./faults.ts";
import { type FleetOptions, MAX_GPUS_PER_HOST } from "./options.ts";
import { STREAM } from "./topology.ts";

/** A card in a slot. Times are ms since the start of the simulation, `[from, to)`. */
export interface Stay {
  readonly card: number;
  readonly host: number;
  readonly index: number;
  readonly from: number;
  to: number;
}

export type CardEvent =
  | {
      readonly kind: "lost" | "returned";
      readonly at: number;
      readonly host: number;
      readonly index: number;
      readonly card: number;
    }
  | {
      readonly kind: "replaced";
      readonly at: number;
      readonly host: number;
      readonly index: number;
      readonly card: number;
      readonly by: number;
    }
  | {
      readonly kind: "moved" | "renumbered";
      readonly at: number;
      readonly host: number;
      readonly index: number;
      readonly card: number;
      readonly toHost: number;
      readonly toIndex: number;
    };

export interface CardHistory {
  /** Stays by slot number (host × gpusPerHost + index), in order of time. */
  readonly stays: readonly (readonly Stay[])[];
  /** In order of the windows of faults. */
  readonly events: readonly CardEvent[];
  /** Faults by host, those of all windows together. */
  readonly faults: readonly HostFaults[];
}

/** Returns the uuid of a card, which differs from those of all other cards of the fleet. */
export function uuidOf(seed: number, card: number): string {
  const random = createStream(seed, STREAM.card, card);
  const digits = [4, 4, 4, 12].map((length) => hex(random, length));
  return `GPU-${[serialNumber(seed, card), ...digits].join("-")}`;
}

const NO_CARD = -1;

export function planCards(options: FleetOptions): CardHistory {
  const plan = new CardPlan(options);
  const windowMs = faultWindowMs(options);
  const windows = options.faults ? Math.ceil(options.durationMs / windowMs) : 0;
  for (let window = 0; window < windows; window++) plan.addWindow(window);
  return plan.finish();
}

class CardPlan {
  readonly #options: FleetOptions;
  readonly #stays: Stay[][];
  /** The card in each slot, or NO_CARD. */
  readonly #cards: number[];
  readonly #events: CardEvent[] = [];
  readonly #faults: { -readonly [Name in keyof HostFaults]: HostFaults[Name][number][] }[];
  /** Cards that were taken out in an earlier window, with the host they came from. */
  #spares: { card: number; host: number }[] = [];
  #taken: { card: number; host: number }[] = [];
  #newest: number;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { hosts, gpusPerHost } = options;
    this.#newest = hosts * MAX_GPUS_PER_HOST;
    this.#cards = [];
    this.#stays = [];
    for (let host = 0; host < hosts; host++) {
      for (let index = 0; index < gpusPerHost; index++) {
        this.#stays.push([]);
        this.#cards.push(NO_CARD);
        this.#put(host, index, host * MAX_GPUS_PER_HOST + index, 0);
      }
    }
    this.#faults = Array.from({ length: hosts }, () => ({
      silent: [],
      slow: [],
      xids: [],
      resets: [],
      exporters: [],
      surgeries: [],
    }));
  }

  addWindow(window: number): void {
    this.#faults.forEach((all, host) => {
      const faults = faultsOf(this.#options, host, window);
      for (const name of Object.keys(faults) as (keyof HostFaults)[]) (all[name] as unknown[]).push(...faults[name]);
      for (const surgery of faults.surgeries) this.#operate(host, surgery);
    });
    this.#spares.push(...this.#taken);
    this.#taken = [];
  }

  finish(): CardHistory {
    for (const faults of this.#faults) faults.silent.sort((a, b) => a.from - b.from);
    return { stays: this.#stays, events: this.#events, faults: this.#faults };
  }

  #place = (host: number, index: number): number => host * this.#options.gpusPerHost + index;
  #card = (host: number, index: number): number => this.#cards[this.#place(host, index)]!;

  #put(host: number, index: number, card: number, from: number): void {
    const place = this.#place(host, index);
    this.#cards[place] = card;
    if (card !== NO_CARD) this.#stays[place]!.push({ card, host, index, from, to: Number.POSITIVE_INFINITY });
  }

  /** Takes the card out of a slot at a time and returns it, or NO_CARD. */
  #take(host: number, index: number, at: number): number {
    const card = this.#card(host, index);
    if (card === NO_CARD) return card;
    this.#stays[this.#place(host, index)]!.at(-1)!.to = at;
    this.#cards[this.#place(host, index)] = NO_CARD;
    return card;
  }

  #operate(host: number, surgery: Surgery): void {
    const { index } = surgery;
    switch (surgery.kind) {
      case "lost": {
        const card = this.#take(host, index, surgery.at);
        if (card === NO_CARD) return;
        this.#events.push({ kind: "lost", at: surgery.at, host, index, card });
        if (surgery.back === null) this.#taken.push({ card, host });
        else {
          this.#put(host, index, card, surgery.back);
          this.#events.push({ kind: "returned", at: surgery.back, host, index, card });
        }
        return;
      }
      case "replaced": {
        const card = this.#take(host, index, surgery.down.from);
        // Every other time, a card that another host gave away comes back here.
        const place = card % 2 === 0 ? this.#spares.findIndex((spare) => spare.host !== host) : -1;
        const by = place === -1 ? this.#newest++ : this.#spares.splice(place, 1)[0]!.card;
        this.#put(host, index, by, surgery.down.to);
        if (card === NO_CARD) return;
        this.#taken.push({ card, host });
        this.#events.push({ kind: "replaced", at: surgery.down.to, host, index, card, by });
        return;
      }
      case "moved": {
        const { down, other } = surgery;
        const [here, there] = [this.#take(host, index, down.from), this.#take(host + 1, other, down.from)];
        this.#move(here, { host, index }, { host: host + 1, index: other }, down.to, "moved");
        this.#move(there, { host: host + 1, index: other }, { host, index }, down.to, "moved");
        return;
      }
      case "renumbered":
        this.#renumber(host, index, surgery.down.from, surgery.down.to);
        return;
      default:
        surgery satisfies never;
    }
  }

  #renumber(host: number, index: number, from: number, to: number): void {
    const lost = this.#take(host, index, from);
    if (lost !== NO_CARD) {
      this.#taken.push({ card: lost, host });
      this.#events.push({ kind: "lost", at: from, host, index, card: lost });
    }
    for (let behind = index + 1; behind < this.#options.gpusPerHost; behind++) {
      const card = this.#take(host, behind, from);
      this.#move(card, { host, index: behind }, { host, index: behind - 1 }, to, "renumbered");
    }
  }

  #move(
    card: number,
    from: { readonly host: number; readonly index: number },
    to: { readonly host: number; readonly index: number },
    at: number,
    kind: "moved" | "renumbered",
  ): void {
    if (card === NO_CARD) return;
    this.#put(to.host, to.index, card, at);
    this.#events.push({ kind, at, ...from, card, toHost: to.host, toIndex: to.index });
  }
}
