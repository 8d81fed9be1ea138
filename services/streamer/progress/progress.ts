/** How far a pass has come, in bytes of its sources. */
import type { FoundSource } from "../../sources/port.ts";
import type { StreamerTotals } from "./summary.ts";

export interface StreamerProgress {
  /** Name of the source being read. */
  readonly source: string;
  /** Stored bytes (compressed if they are) read in this pass, of all sources. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** Readings in confirmed batches since the start of the run. */
  readonly readings: number;
  /** Rows without a reading since the start of the run. */
  readonly skipped: number;
}

export class Progress {
  readonly #listener: (progress: StreamerProgress) => void;
  #bytesTotal = 0;
  /** Bytes of the sources that are finished. */
  #bytesDone = 0;

  constructor(listener: (progress: StreamerProgress) => void) {
    this.#listener = listener;
  }

  begin(sources: readonly FoundSource[]): void {
    this.#bytesTotal = sources.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#bytesDone = 0;
  }

  /** @param bytesRead of this source, which may have grown since the pass began */
  in({ name, bytes }: FoundSource, bytesRead: number, { readings, skipped }: StreamerTotals): void {
    this.#listener({
      source: name,
      bytesRead: this.#bytesDone + Math.min(bytesRead, bytes),
      bytesTotal: this.#bytesTotal,
      readings,
      skipped: Object.values(skipped).reduce((sum, count) => sum + count, 0),
    });
  }

  done(source: FoundSource, totals: StreamerTotals): void {
    this.in(source, source.bytes, totals);
    this.#bytesDone += source.bytes;
  }
}
