/**
 * A fleet whose readings are a function of GPU, series and tick: it writes CSV files of any size and knows the expected
 * contents of a store without reading the files again. No value repeats, so a misplaced reading is noticed.
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";

/** Outside the catalogue, so that any number is a plausible value. */
const SERIES = Array.from({ length: 25 }, (_, number) => `DCGM_FI_DEV_NUMBERED_${String(number).padStart(2, "0")}`);
const GPUS_PER_HOST = 4;
/** Shortly before a full hour, so that the fleet crosses the bound of an hour. */
const START = Date.UTC(2025, 6, 18, 20, 58);
const STEP_MS = 1000;
const TURN_TICKS = 100;

export interface FleetSize {
  readonly gpus: number;
  readonly ticks: number;
  readonly seed: number;
  /** Ticks for which a pod holds a GPU, 100 by default. Every third turn has no pod. */
  readonly turnTicks?: number | undefined;
}

export interface HeldBy {
  readonly pod: string;
  /** Times of the first and the last reading, ms. */
  readonly from: number;
  readonly to: number;
}

export class NumberedFleet {
  readonly size: FleetSize;
  readonly series: readonly string[] = SERIES;
  readonly #gpus = new Map<string, number>();
  readonly #turnTicks: number;

  constructor(size: FleetSize) {
    this.size = size;
    this.#turnTicks = size.turnTicks ?? TURN_TICKS;
    for (let gpu = 0; gpu < size.gpus; gpu++) this.#gpus.set(this.uuid(gpu), gpu);
  }

  /** The smallest fleet of `gpus` GPUs with at least `readings` readings. */
  static of({ readings, gpus, ...rest }: Omit<FleetSize, "ticks"> & { readings: number }): NumberedFleet {
    return new NumberedFleet({ ...rest, gpus, ticks: Math.ceil(readings / (gpus * SERIES.length)) });
  }

  /** Numbers of all GPUs. */
  get gpus(): readonly number[] {
    return [...this.#gpus.values()];
  }

  get readings(): number {
    return this.size.gpus * this.size.ticks * SERIES.length;
  }

  uuid(gpu: number): GpuUuid {
    const seed = (this.size.seed >>> 0).toString(16).padStart(8, "0");
    return `GPU-${seed}-0000-4000-8000-${gpu.toString(16).padStart(12, "0")}` as GpuUuid;
  }

  /** Number of the GPU; undefined: not in this fleet. */
  gpuOf(uuid: string): number | undefined {
    return this.#gpus.get(uuid);
  }

  at(tick: number): number {
    return START + tick * STEP_MS;
  }

  /** Tick of the time; -1: no reading has this time. */
  tickOf(at: number): number {
    const tick = (at - START) / STEP_MS;
    return Number.isInteger(tick) && tick >= 0 && tick < this.size.ticks ? tick : -1;
  }

  /** A whole number in even series, a fraction in odd ones. */
  value(gpu: number, series: number, tick: number): number {
    const place = (tick * this.size.gpus + gpu) * SERIES.length + series;
    return series % 2 === 0 ? place : place + 0.125;
  }

  /** Attributions of the GPU, oldest first. */
  heldBy(gpu: number): HeldBy[] {
    const held: HeldBy[] = [];
    for (let tick = 0; tick < this.size.ticks; tick += this.#turnTicks) {
      const pod = this.#podOf(gpu, tick);
      const last = Math.min(tick + this.#turnTicks, this.size.ticks) - 1;
      if (pod !== "") held.push({ pod, from: this.at(tick), to: this.at(last) });
    }
    return held;
  }

  /** Writes the ticks into `files` files of a folder, in order of time. */
  async write(folder: string, files: number): Promise<void> {
    const each = Math.ceil(this.size.ticks / files);
    for (let file = 0; file < files; file++) {
      const rows = this.#rows(file * each, Math.min((file + 1) * each, this.size.ticks));
      await pipeline(Readable.from(rows), createWriteStream(join(folder, `part-${file}.csv`)));
    }
  }

  /** Yields the rows of each tick metric by metric, as exporters write them. */
  *#rows(from: number, to: number): Generator<string> {
    yield `${DCGM_HEADER}\n`;
    for (let tick = from; tick < to; tick++) {
      const time = formatTimestamp(this.at(tick));
      let text = "";
      for (let series = 0; series < SERIES.length; series++) {
        for (let gpu = 0; gpu < this.size.gpus; gpu++) text += this.#row(time, series, gpu, tick);
      }
      yield text;
    }
  }

  #row(time: string, series: number, gpu: number, tick: number): string {
    const index = gpu % GPUS_PER_HOST;
    const host = `node-${Math.floor(gpu / GPUS_PER_HOST)}`;
    const pod = this.#podOf(gpu, tick);
    const owner = pod === "" ? '"","",""' : `"main","${pod}","research"`;
    const facts = `"${index}","nvidia${index}","${this.uuid(gpu)}","NVIDIA H100 80GB HBM3","${host}",${owner}`;
    return `"${time}","${SERIES[series]}",${facts},"${this.value(gpu, series, tick)}",""\n`;
  }

  #podOf(gpu: number, tick: number): string {
    const turn = Math.floor(tick / this.#turnTicks);
    return (turn + gpu) % 3 === 2 ? "" : `job-${turn}-${gpu}`;
  }
}
