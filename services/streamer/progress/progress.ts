/** How far a pass has come, in bytes of its files. */
import type { SourceFile } from "../../sources/files/source-files.ts";

export interface StreamerProgress {
  /** The file being read. */
  readonly file: string;
  /** Of all files in this pass, compressed where they are. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** In confirmed batches since the start of the run. */
  readonly readings: number;
}

export class Progress {
  readonly #listener: (progress: StreamerProgress) => void;
  #bytesTotal = 0;
  /** Of the files that are done. */
  #bytesDone = 0;

  constructor(listener: (progress: StreamerProgress) => void) {
    this.#listener = listener;
  }

  begin(files: readonly SourceFile[]): void {
    this.#bytesTotal = files.reduce((sum, { size }) => sum + size, 0);
    this.#bytesDone = 0;
  }

  /** `bytesRead`: of this file. It may have grown since the pass began. */
  in({ path, size }: SourceFile, bytesRead: number, readings: number): void {
    this.#listener({
      file: path,
      bytesRead: this.#bytesDone + Math.min(bytesRead, size),
      bytesTotal: this.#bytesTotal,
      readings,
    });
  }

  done(file: SourceFile, readings: number): void {
    this.in(file, file.size, readings);
    this.#bytesDone += file.size;
  }
}
