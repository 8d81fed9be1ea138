/** One subscriber: conflates the readings that passed its filter since its last frame, and paces its frames. */
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";
import type { Clock } from "../platform/process/clock.ts";
import { Mailbox } from "../platform/process/mailbox.ts";
import {
  type LiveFilter,
  type LiveFrame,
  type LiveReading,
  type LiveSubscription,
  MAX_FRAME_READINGS,
} from "./port.ts";

/**
 * Readings that are published together arrive in several messages. If a reader already waits, its frame is therefore
 * delayed by this share of `minIntervalMs`, up to `MAX_GATHER_MS`.
 */
const GATHER_SHARE = 0.1;
const MAX_GATHER_MS = 10;

type Conflated = { -readonly [Field in keyof LiveReading]: LiveReading[Field] };

interface OpenFrame extends LiveFrame {
  readonly readings: Conflated[];
  missed: number;
}

export class Subscriber {
  readonly filter: LiveFilter;
  /**
   * The reader's side. A frame is pushed when it is due, and is still conflated in place until the reader takes it.
   * Pushing further frames and merging them into the waiting one would cost ten times as much per reading.
   */
  readonly frames: Mailbox<LiveFrame>;
  readonly #clock: Clock;
  readonly #minIntervalMs: number;
  readonly #ended = new AbortController();
  #frame: OpenFrame = { readings: [], missed: 0 };
  /** Indexes `#frame.readings`. */
  #newest = new Map<GpuUuid, Map<Series, Conflated>>();
  /** True if the open frame has content, and is in the mailbox or waits for its time. */
  #isDue = false;
  /** When the reader took the last frame, by the clock's monotonic time. */
  #takenAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, { filter = {}, minIntervalMs, signal }: LiveSubscription) {
    this.#clock = clock;
    this.filter = filter;
    this.#minIntervalMs = minIntervalMs;
    this.frames = new Mailbox({
      capacity: 1,
      signal,
      onTake: () => this.#begin(),
      onClose: () => {
        this.#begin();
        this.#ended.abort();
      },
    });
  }

  /** Aborts when the subscription's signal aborts, when the reader returns, and when `end` is called. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /**
   * Takes a reading that has passed the filter. Keeps the newest reading per GPU and series. If two have the same time,
   * keeps the larger value, as the store does.
   */
  take(gpu: GpuUuid, host: string, series: Series, at: number, value: number): void {
    const frame = this.#frame;
    const ofGpu = this.#newest.get(gpu);
    const kept = ofGpu?.get(series);
    if (kept === undefined) {
      if (frame.readings.length === MAX_FRAME_READINGS) {
        frame.missed++;
        return;
      }
      const reading = { gpu, host, series, at, value };
      if (ofGpu === undefined) this.#newest.set(gpu, new Map([[series, reading]]));
      else ofGpu.set(series, reading);
      frame.readings.push(reading);
      if (!this.#isDue) void this.#offer();
      return;
    }
    if (at === kept.at && value === kept.value) return;
    frame.missed++;
    if (at < kept.at || (at === kept.at && value < kept.value)) return;
    kept.at = at;
    kept.value = value;
    kept.host = host;
  }

  /** Counts values that may have been lost on the way here. The reader gets a frame even if no reading follows. */
  lose(values: number): void {
    this.#frame.missed += values;
    if (!this.#isDue) void this.#offer();
  }

  end(): void {
    void this.frames.return();
  }

  /** Pushes the open frame when its time has come. */
  async #offer(): Promise<void> {
    this.#isDue = true;
    const paceMs = this.#takenAt + this.#minIntervalMs - this.#clock.monotonic();
    const gatherMs = this.frames.isAwaited ? Math.min(MAX_GATHER_MS, this.#minIntervalMs * GATHER_SHARE) : 0;
    const waitMs = Math.max(paceMs, gatherMs);
    // Even without a wait, the frame is pushed only after the other readings of the same publication were added.
    await (waitMs > 0 ? this.#clock.sleep(waitMs, { signal: this.ended }) : undefined);
    this.frames.push(this.#frame);
  }

  /** Begins a new frame, once the reader has taken the one before or the subscription has ended. */
  #begin(): void {
    this.#frame = { readings: [], missed: 0 };
    this.#newest = new Map();
    this.#isDue = false;
    this.#takenAt = this.#clock.monotonic();
  }
}
