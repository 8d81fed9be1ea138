/**
 * Bounds what all answers of a process hold together, such as readings. Small answers pass beside large ones, each kind
 * in the order of arrival. An answer gives back what it holds when it has been sent.
 */
import type { Clock } from "../process/clock.ts";
import { othersAnswered } from "../process/others-answered.ts";
import { type Pass, Turnstile } from "../process/turnstile.ts";
import type { Answer } from "./answer.ts";

/** How long an answer may wait until others have been sent. */
const WAIT_MS = 10_000;
/** How many small answers may be under way at least. */
const MAX_SMALL = 300;
/** How many answers of a kind may wait. */
const MAX_WAITING = 200;

export interface UnderWayOptions {
  /** What is counted, for errors: "readings". */
  readonly noun: string;
  /** What an answer may hold and count as small. */
  readonly small: number;
  /** What all small answers may hold together. */
  readonly allSmall: number;
  /** What all large answers may hold together. */
  readonly allLarge: number;
  readonly clock: Clock;
}

/** What one answer holds. Its steps wait for each other. */
export interface Share {
  /**
   * Waits for room for a step. An answer waits once as a small one, and once as a large one. It never waits for more
   * while it holds a large place: it could wait for itself.
   * @param most what the step may read
   * @param whole what the answer may read in all, counted at once when it is no longer small
   * @returns a function to call after the step, with what it has read
   * @throws AppError as `Turnstile.enter`
   */
  take(most: number, whole: number, options?: { signal?: AbortSignal | undefined }): Promise<(read: number) => void>;
}

class HeldShare implements Share {
  readonly #lanes: Lanes;
  readonly #client: string;
  /** How many steps of the size of the first one are expected. */
  readonly #steps: number;
  #pass: Pass | null = null;
  #isLarge = false;
  #isSent = false;
  /** What the steps that run now may read. */
  #pending = 0;
  #read = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(lanes: Lanes, answer: Answer) {
    this.#lanes = lanes;
    this.#client = answer.client;
    this.#steps = answer.isOneStep ? 1 : 2;
    answer.onMade(() => this.#pass?.resize(this.#read));
    answer.onSent(() => {
      this.#isSent = true;
      this.#pass?.[Symbol.dispose]();
    });
  }

  take(
    most: number,
    whole: number,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<(read: number) => void> {
    const taken = this.#turn.then(async () => {
      await this.#enter(most, whole, signal);
      this.#pending += most;
      return (read: number) => {
        this.#pending -= most;
        this.#read += read;
        if (!this.#isLarge) this.#pass?.resize(this.#pending + this.#roomFor(this.#read));
      };
    });
    this.#turn = taken.catch(() => {});
    return taken;
  }

  #roomFor(items: number): number {
    const { maxSmall, leastSmall } = this.#lanes;
    return Math.min(maxSmall, Math.max(leastSmall, this.#steps * items));
  }

  async #enter(most: number, whole: number, signal: AbortSignal | undefined): Promise<void> {
    const { small, large, maxSmall } = this.#lanes;
    const held = this.#read + this.#pending;
    const client = this.#client;
    if (this.#isLarge) this.#pass?.resize(Math.max(this.#pass.weight, held + most));
    else if (this.#pass === null && most <= maxSmall) {
      this.#pass = await small.enter(this.#roomFor(most), { client, signal });
    } else if (this.#pass === null || held + most > this.#pass.weight) {
      this.#pass?.[Symbol.dispose]();
      this.#pass = null;
      this.#pass = await large.enter(Math.max(held + most, whole), { client, signal });
      this.#isLarge = true;
      await othersAnswered();
    }
    if (this.#isSent) this.#pass?.[Symbol.dispose]();
  }
}

interface Lanes {
  readonly small: Turnstile;
  readonly large: Turnstile;
  readonly maxSmall: number;
  readonly leastSmall: number;
}

export class UnderWay {
  readonly #lanes: Lanes;
  readonly #shares = new WeakMap<Answer, Share>();

  constructor({ noun, small, allSmall, allLarge, clock }: UnderWayOptions) {
    const common = { noun, maxWaiting: MAX_WAITING, waitMs: WAIT_MS, clock };
    this.#lanes = {
      small: new Turnstile({ ...common, capacity: allSmall }),
      large: new Turnstile({ ...common, capacity: allLarge }),
      maxSmall: small,
      leastSmall: allSmall / MAX_SMALL,
    };
  }

  /** Returns the share of an answer, the same one at each call; null without an answer, which bounds nothing. */
  shareOf(answer: Answer | undefined): Share | null {
    if (answer === undefined) return null;
    const known = this.#shares.get(answer);
    if (known !== undefined) return known;
    const share = new HeldShare(this.#lanes, answer);
    this.#shares.set(answer, share);
    return share;
  }
}
