/** Results of one subscription between the socket that brings them and the reader who takes them. */
import type { ExecutionResult } from "@graphql-tools/utils";

const DONE: IteratorResult<ExecutionResult> = { done: true, value: undefined };

interface Frame {
  readonly result: ExecutionResult;
  /** Makes room for another one: until then no more are sent than the window holds. */
  readonly taken: () => void;
}

export class RemoteStream implements AsyncIterableIterator<ExecutionResult> {
  readonly #frames: Frame[] = [];
  readonly #readers: ((result: IteratorResult<ExecutionResult>) => void)[] = [];
  readonly #ended = new AbortController();

  /** Aborts when the source has ended, or the reader has left. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.#hand();
  }

  end(): void {
    this.#ended.abort();
    this.#hand();
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      this.#hand();
    });
  }

  /** Ends it at once, also for those who wait. */
  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.#frames.length = 0;
    this.end();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #hand(): void {
    while (this.#readers.length > 0) {
      const frame = this.#frames.shift();
      if (frame === undefined && !this.ended.aborted) return;
      const reader = this.#readers.shift();
      if (frame === undefined) reader?.(DONE);
      else {
        frame.taken();
        reader?.({ done: false, value: frame.result });
      }
    }
  }
}
