/** `TIMESTAMPS=live`: gives each tick of a read-ahead the moment it is sent. */
import type { Clock } from "../../platform/process/clock.ts";
import { LiveCounters } from "./live-counters.ts";
import type { ReadAhead } from "./read-ahead.ts";

/** How far times may run ahead of the clock. They do at over 1,000 ticks a second, as each gets its own millisecond. */
const MAX_LEAD_MS = 1000;

export class LiveTimes {
  readonly #clock: Clock;
  readonly #counters = new LiveCounters();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The latest time given; 0: none yet. */
  get last(): number {
    return this.#last;
  }

  /** Makes all further times later than this one. */
  notBefore(time: number): void {
    this.#last = Math.max(this.#last, time);
  }

  /**
   * Replaces the times in the read-ahead. The ticks keep their order and their number. Each tick gets a later time than
   * all ticks before it. The last one gets the clock's time, if that is late enough. Counters get values that fit the
   * new times. Waits if times are ahead too far.
   */
  async stamp({ at, slots, values, counterOfSlot, length }: ReadAhead, signal: AbortSignal): Promise<void> {
    const ticks = [...new Set(at.subarray(0, length))].sort((a, b) => a - b);
    const first = Math.max(this.#last + 1, this.#clock.now() - (ticks.length - 1));
    const stamps = new Map(ticks.map((tick, index) => [tick, first + index]));
    for (let entry = 0; entry < length; entry++) {
      const stamp = stamps.get(at[entry] as number) as number;
      const counter = counterOfSlot[slots[entry] as number];
      const value = values[entry] as number;
      // NaN: the reading was refused.
      if (counter !== undefined && !Number.isNaN(value)) {
        values[entry] = this.#counters.next(counter, value, at[entry] as number, stamp);
      }
      at[entry] = stamp;
    }
    this.#last = first + ticks.length - 1;
    const lead = this.#last - this.#clock.now();
    if (lead > MAX_LEAD_MS) await this.#clock.sleep(lead - MAX_LEAD_MS, { signal });
  }
}
