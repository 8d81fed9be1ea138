/** Holds the epoch, last accepted batch and position of each producer of the memory queue. */
import { AppError } from "../../../schema/model/errors.ts";
import type { OpenedProducer, ProducerPosition } from "../port.ts";

/**
 * How many producers to remember: far more than any source has shards. Bounds the memory if a producer's name changes
 * at each start.
 */
const MAX_PRODUCERS = 10_000;

export interface ProducerState {
  epoch: number;
  seq: number;
  position: string | null;
}

export type RestorePosition = (
  producer: string,
) => Promise<{ readonly epoch: number; readonly seq: number; readonly position: string } | null>;

export class Producers {
  readonly #restore: RestorePosition | undefined;
  readonly #states = new Map<string, ProducerState>();
  readonly #loading = new Map<string, Promise<ProducerState>>();

  constructor(restore: RestorePosition | undefined) {
    this.#restore = restore;
  }

  get(producer: string): ProducerState | undefined {
    return this.#states.get(producer);
  }

  async open(producer: string, inherit: readonly string[]): Promise<OpenedProducer> {
    const state = await this.load(producer);
    const inherited: ProducerPosition[] = [];
    if (state.seq === 0) {
      const others = new Set(inherit);
      others.delete(producer);
      for (const other of others) {
        const { epoch, seq, position } = this.#states.get(other) ?? (await this.#ask(other));
        if (position !== null) inherited.push({ producer: other, epoch, seq, position });
      }
    }
    state.epoch++;
    return { epoch: state.epoch, seq: state.seq, position: state.position, inherited };
  }

  /** Returns the producer's state, read from the store at first. Concurrent calls for one producer share one read. */
  async load(producer: string): Promise<ProducerState> {
    const known = this.#states.get(producer) ?? this.#loading.get(producer);
    if (known !== undefined) return known;
    if (this.#states.size + this.#loading.size >= MAX_PRODUCERS) {
      throw new AppError(`Queue: producers must be at most ${MAX_PRODUCERS}, got one more: "${producer}"`, {
        code: "overloaded",
      });
    }
    const loading = this.#ask(producer);
    this.#loading.set(producer, loading);
    try {
      const state = await loading;
      this.#states.set(producer, state);
      return state;
    } finally {
      this.#loading.delete(producer);
    }
  }

  async #ask(producer: string): Promise<ProducerState> {
    const { epoch, seq, position } = (await this.#restore?.(producer)) ?? { epoch: 0, seq: 0, position: null };
    return { epoch, seq, position };
  }
}
