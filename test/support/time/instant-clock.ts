/** A clock on which waiting takes no time: each sleep moves it on at once. */
import type { Clock } from "../../../services/platform/process/clock.ts";
import { settled } from "./manual-clock.ts";

export class InstantClock implements Clock {
  /** Milliseconds slept, sleep by sleep. */
  readonly slept: number[] = [];
  #now: number;

  constructor(now = Date.UTC(2025, 6, 20, 10)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    this.#now += ms;
    this.slept.push(ms);
    await settled();
  }
}
