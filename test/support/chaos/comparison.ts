/** Compares a store with the fleet that was fed into it, reading by reading. */
import type { NumberedFleet } from "./numbered-fleet.ts";

export interface Verdict {
  readonly readings: number;
  /** Readings of the fleet that the store does not have. */
  readonly lost: number;
  /** Repeated readings. */
  readonly twice: number;
  /** Readings with another value than the fleet's, and readings that the fleet does not have. */
  readonly altered: number;
  /** Descriptions of the first ten differences. */
  readonly examples: readonly string[];
}

const MAX_EXAMPLES = 10;

export class Comparison {
  readonly #fleet: NumberedFleet;
  readonly #seriesNumbers: ReadonlyMap<string, number>;
  readonly #seen: Uint8Array;
  readonly #examples: string[] = [];
  #distinct = 0;
  #twice = 0;
  #altered = 0;

  constructor(fleet: NumberedFleet) {
    this.#fleet = fleet;
    this.#seriesNumbers = new Map(fleet.series.map((name, number) => [name, number]));
    this.#seen = new Uint8Array(fleet.readings);
  }

  add(uuid: string, name: string, at: number, value: number): void {
    const gpu = this.#fleet.gpuOf(uuid);
    const series = this.#seriesNumbers.get(name);
    const tick = this.#fleet.tickOf(at);
    if (gpu === undefined || series === undefined || tick === -1) {
      this.#altered++;
      this.#example(`${uuid} ${name} ${at} ${value} is not in the fleet`);
      return;
    }
    const place = this.#place(gpu, series, tick);
    if (this.#seen[place] === 1) {
      this.#twice++;
      this.#example(`${uuid} ${name} ${at} is there twice`);
    } else {
      this.#seen[place] = 1;
      this.#distinct++;
    }
    const expected = this.#fleet.value(gpu, series, tick);
    if (value === expected) return;
    this.#altered++;
    this.#example(`${uuid} ${name} ${at} is ${value}, must be ${expected}`);
  }

  /** @param gpus numbers of the GPUs that were compared; default: all */
  verdict(gpus: readonly number[] = this.#fleet.gpus): Verdict {
    const { series, size } = this.#fleet;
    const readings = gpus.length * series.length * size.ticks;
    const lost = readings - this.#distinct;
    if (lost > 0) this.#nameLost(gpus);
    return { readings, lost, twice: this.#twice, altered: this.#altered, examples: this.#examples };
  }

  #nameLost(gpus: readonly number[]): void {
    const { series, size } = this.#fleet;
    for (let tick = 0; tick < size.ticks && this.#examples.length < MAX_EXAMPLES; tick++) {
      for (const gpu of gpus) {
        for (const [number, name] of series.entries()) {
          if (this.#seen[this.#place(gpu, number, tick)] === 1) continue;
          this.#example(`${this.#fleet.uuid(gpu)} ${name} ${this.#fleet.at(tick)} is lost (GPU ${gpu}, tick ${tick})`);
        }
      }
    }
  }

  #place(gpu: number, series: number, tick: number): number {
    return (tick * this.#fleet.size.gpus + gpu) * this.#fleet.series.length + series;
  }

  #example(text: string): void {
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(text);
  }
}
