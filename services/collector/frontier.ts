/**
 * How far each producer's batches are stored without a hole, for stores that keep positions: a position that lies
 * beyond a batch which is not stored would lose that batch at the next start.
 */
import type { Delivery } from "../queue/port.ts";
import type { StoredPosition, TelemetryRepository } from "../repository/port.ts";

/** What a batch says of its place. */
export type Placed = Pick<Delivery, "producer" | "epoch" | "seq" | "position">;

/** Batches `from` to `to`, all done, beyond a hole; epoch and position are those of the last. */
interface Stretch {
  from: number;
  to: number;
  epoch: number;
  position: string;
}

interface Reach {
  /** The last batch with all before it done. */
  seq: number;
  epoch: number;
  position: string;
  /** In ascending order, with a hole before each. */
  ahead: Stretch[];
}

/** Stretches remembered per producer. Those forgotten only hold the position back. */
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
  /** Producers that got on without a save: the next one carries their positions. */
  readonly #unwritten = new Set<string>();

  constructor(position: TelemetryRepository["position"]) {
    this.#position = position;
  }

  /** Finds where producers not seen before begin. Call with deliveries in the order in which they were handed out. */
  async meet(deliveries: readonly Placed[]): Promise<void> {
    for (const { producer, epoch, seq } of deliveries) {
      if (this.#producers.has(producer)) continue;
      const stored = await this.#position(producer);
      // Another process may have moved the position since this life began; one of this very life was moved from here.
      const reached = stored?.epoch === epoch ? stored.seq : Math.min(stored?.seq ?? 0, seq - 1);
      this.#producers.set(producer, { seq: reached, epoch: 0, position: "", ahead: [] });
    }
  }

  /** The batch will never be stored, and nothing is to wait for it. */
  skip(delivery: Placed): void {
    const reach = this.#reach(delivery.producer);
    const before = reach.seq;
    absorb(reach, delivery);
    if (reach.seq > before) this.#unwritten.add(delivery.producer);
  }

  /** The positions to write in the save that stores these batches; `commit` once that has succeeded. */
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
    if (reach === undefined) throw new Error(`Producer "${producer}" was not met before its batch was placed`);
    return reach;
  }
}
