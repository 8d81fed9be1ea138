/**
 * Tracks the position up to which all batches of a producer are stored, for stores that keep positions. If a stored
 * position were beyond a missing batch, that batch would be lost at the next start.
 */
import type { Delivery } from "../queue/port.ts";
import type { StoredPosition, TelemetryRepository } from "../repository/port.ts";

/** A batch's place in its producer's sequence. */
export type Placed = Pick<Delivery, "producer" | "epoch" | "seq" | "position">;

/** Batches `from` to `to` beyond a gap, all stored or skipped. `epoch` and `position` are those of the last. */
interface Stretch {
  from: number;
  to: number;
  epoch: number;
  position: string;
}

interface Reach {
  /** The last stored or skipped batch of which all predecessors are stored or skipped, too. */
  seq: number;
  epoch: number;
  position: string;
  /** Stretches beyond `seq`, in ascending order, with a gap before each. */
  ahead: Stretch[];
}

/** How many stretches to keep per producer. Dropping a stretch only holds the position back. */
const MAX_STRETCHES = 1000;

function absorb(reach: Reach, { seq, epoch, position }: Placed): void {
  if (seq <= reach.seq) return;
  const { ahead } = reach;
  if (seq === reach.seq + 1) {
    Object.assign(reach, { seq, epoch, position });
    const next = ahead[0];
    if (next?.from !== seq + 1) return;
    ahead.shift();
    Object.assign(reach, { seq: next.to, epoch: next.epoch, position: next.position });
    return;
  }
  let index = ahead.length;
  while (index > 0 && (ahead[index - 1] as Stretch).from > seq) index--;
  const before = ahead[index - 1];
  const after = ahead[index];
  if (before !== undefined && seq <= before.to) return;
  if (before?.to === seq - 1) {
    Object.assign(before, { to: seq, epoch, position });
    if (after?.from !== seq + 1) return;
    ahead.splice(index, 1);
    Object.assign(before, { to: after.to, epoch: after.epoch, position: after.position });
  } else if (after?.from === seq + 1) {
    after.from = seq;
  } else {
    ahead.splice(index, 0, { from: seq, to: seq, epoch, position });
    if (ahead.length > MAX_STRETCHES) ahead.pop();
  }
}

const copy = (reach: Reach): Reach => ({ ...reach, ahead: reach.ahead.map((stretch) => ({ ...stretch })) });

export class Frontier {
  readonly #position: TelemetryRepository["position"];
  readonly #producers = new Map<string, Reach>();
  /** Producers whose position was advanced by a skip. The next save includes their positions. */
  readonly #unwritten = new Set<string>();

  constructor(position: TelemetryRepository["position"]) {
    this.#position = position;
  }

  /** Loads the stored position of each new producer. Call with deliveries in the order of their claims. */
  async meet(deliveries: readonly Placed[]): Promise<void> {
    for (const { producer, epoch, seq } of deliveries) {
      if (this.#producers.has(producer)) continue;
      const stored = await this.#position(producer);
      // Another process may have stored a position of another epoch. Trust it only up to the batch before this
      // delivery.
      const reached = stored?.epoch === epoch ? stored.seq : Math.min(stored?.seq ?? 0, seq - 1);
      this.#producers.set(producer, { seq: reached, epoch: 0, position: "", ahead: [] });
    }
  }

  /** Marks a batch that will never be stored, so that the position can pass it. */
  skip(delivery: Placed): void {
    const reach = this.#reach(delivery.producer);
    const before = reach.seq;
    absorb(reach, delivery);
    if (reach.seq > before) this.#unwritten.add(delivery.producer);
  }

  /** Returns the positions to write in the save of these batches. Call `commit` once that save has succeeded. */
  stage(deliveries: readonly Placed[]): { readonly positions: readonly StoredPosition[]; commit(): void } {
    const staged = new Map<string, Reach>();
    for (const delivery of deliveries) {
      let reach = staged.get(delivery.producer);
      if (reach === undefined) {
        reach = copy(this.#reach(delivery.producer));
        staged.set(delivery.producer, reach);
      }
      absorb(reach, delivery);
    }
    for (const producer of this.#unwritten) {
      if (!staged.has(producer)) staged.set(producer, this.#reach(producer));
    }
    const positions: StoredPosition[] = [];
    for (const [producer, { seq, epoch, position }] of staged) {
      if (seq > this.#reach(producer).seq || this.#unwritten.has(producer)) {
        positions.push({ producer, epoch, seq, position });
      }
    }
    return {
      positions,
      commit: () => {
        for (const [producer, reach] of staged) this.#producers.set(producer, reach);
        this.#unwritten.clear();
      },
    };
  }

  #reach(producer: string): Reach {
    const reach = this.#producers.get(producer);
    if (reach === undefined)
      throw new Error(`meet() must be called for producer "${producer}" before its batches are staged or skipped`);
    return reach;
  }
}
