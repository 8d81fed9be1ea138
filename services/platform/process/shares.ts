/** A number of places that clients share, so that one client cannot hold them all. */

export interface SharesOptions {
  readonly places: number;
  /** What the places are, for refusals: "subscriptions". */
  readonly noun: string;
}

/** Fewer places are given to whoever comes first: a share of them would be less than one. */
const MIN_SHARED = 10;

export class Shares {
  readonly #places: number;
  readonly #noun: string;
  readonly #held = new Map<string, number>();
  #taken = 0;

  constructor({ places, noun }: SharesOptions) {
    this.#places = places;
    this.#noun = noun;
  }

  /** Places that are taken now. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Why `client` gets no more places now; null: it gets them. Once half of the places are taken, a client must not hold
   * more than a tenth of them.
   */
  refusalOf(client: string, places = 1): string | null {
    const all = this.#places.toLocaleString("en");
    if (this.#taken + places > this.#places) return `All ${all} ${this.#noun} are in use: try again later`;
    if (this.#places < MIN_SHARED || this.#taken + places <= this.#places / 2) return null;
    const share = Math.floor(this.#places / 10);
    if ((this.#held.get(client) ?? 0) + places <= share) return null;
    return `One client must not hold more than ${share.toLocaleString("en")} of ${all} ${this.#noun} while half are in use: try again later`;
  }

  /** Takes places. Returns what gives them back, once; null: `refusalOf` says why not. */
  take(client: string, places = 1): (() => void) | null {
    if (this.refusalOf(client, places) !== null) return null;
    this.#add(client, places);
    let isHeld = true;
    return () => {
      if (isHeld) this.#add(client, -places);
      isHeld = false;
    };
  }

  #add(client: string, places: number): void {
    this.#taken += places;
    const held = (this.#held.get(client) ?? 0) + places;
    if (held === 0) this.#held.delete(client);
    else this.#held.set(client, held);
  }
}
