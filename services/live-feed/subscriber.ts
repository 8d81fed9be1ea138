/** One subscriber: what passed its filter since its last frame, conflated, and the pace at which it takes frames. */
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";
import type { Clock } from "../platform/process/clock.ts";
import { type LiveFilter, type LiveFrame, type LiveReading, MAX_FRAME_READINGS } from "./port.ts";

/** What is told with a reading comes in several messages: whoever waits for a frame waits this much longer for them. */
const MAX_GATHER_MS = 10;
const GATHER_SHARE = 0.1;

type Conflated = { -readonly [Field in keyof LiveReading]: LiveReading[Field] };

export class Subscriber {
  readonly filter: LiveFilter;
  readonly #clock: Clock;
  readonly #minIntervalMs: number;
  readonly #ended = new AbortController();
  #newest = new Map<GpuUuid, Map<Series, Conflated>>();
  #size = 0;
  #missed = 0;
  #lost = false;
  #framedAt = Number.NEGATIVE_INFINITY;
  #wake = () => {};

  constructor(clock: Clock, filter: LiveFilter, minIntervalMs: number) {
    this.#clock = clock;
    this.filter = filter;
    this.#minIntervalMs = minIntervalMs;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Keeps the newest per GPU and series; of two at one time the larger, as the store does. The filter has been passed. */
  take(gpu: GpuUuid, host: string, series: Series, at: number, value: number): void {
    const ofGpu = this.#newest.get(gpu);
    const kept = ofGpu?.get(series);
    if (kept === undefined) {
      if (this.#size === MAX_FRAME_READINGS) {
        this.#missed++;
        return;
      }
      const reading = { gpu, host, series, at, value };
      if (ofGpu === undefined) this.#newest.set(gpu, new Map([[series, reading]]));
      else ofGpu.set(series, reading);
      if (this.#size++ === 0) this.#wake();
      return;
    }
    if (at === kept.at && value === kept.value) return;
    this.#missed++;
    if (at < kept.at || (at === kept.at && value < kept.value)) return;
    kept.at = at;
    kept.value = value;
    kept.host = host;
  }

  /** So many values may have been lost on the way; that is told even when nothing else is. */
  lose(values: number): void {
    this.#missed += values;
    this.#lost = true;
    this.#wake();
  }

  /** Waits for something to tell and for its time; undefined once ended. */
  async frame(): Promise<LiveFrame | undefined> {
    while (!this.ended.aborted) {
      const early = this.#framedAt + this.#minIntervalMs - this.#clock.now();
      if (this.#size === 0 && !this.#lost) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        const gatherMs = Math.min(MAX_GATHER_MS, this.#minIntervalMs * GATHER_SHARE);
        if (gatherMs > 0) await this.#clock.sleep(gatherMs, { signal: this.ended });
      } else if (early > 0) {
        await this.#clock.sleep(early, { signal: this.ended });
      } else {
        return this.#cut();
      }
    }
    return undefined;
  }

  end(): void {
    this.#ended.abort();
    this.#newest.clear();
    this.#wake();
  }

  #cut(): LiveFrame {
    const readings: LiveReading[] = [];
    for (const ofGpu of this.#newest.values()) readings.push(...ofGpu.values());
    const frame = { readings, missed: this.#missed };
    this.#newest = new Map();
    this.#size = 0;
    this.#missed = 0;
    this.#lost = false;
    this.#framedAt = this.#clock.now();
    return frame;
  }
}
