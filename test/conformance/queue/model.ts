/** A model of the queue: its contract in the simplest code, lists that are searched from end to end. */
import {
  type DeadLetter,
  type Delivery,
  type NackMode,
  type OutgoingBatch,
  type ProducerPosition,
  type PublishOutcome,
  QUEUE_COUNTERS,
  type QueueCounter,
} from "../../../services/queue/port.ts";
import { bytesOf, type Entry, FRESH, letterOf, type Producer, sizeOf } from "./model-entry.ts";

export class QueueModel {
  readonly counters = Object.fromEntries(QUEUE_COUNTERS.map((name) => [name, 0])) as Record<QueueCounter, number>;
  /** Every receipt of every delivery. */
  readonly receipts = new Map<string, Entry>();
  readonly producers = new Map<string, Producer>();
  readonly #bounds: { readonly maxBytes: number; readonly maxDeliveries: number };
  readonly #entries: Entry[] = [];
  /** In the order of delivery. */
  #ready: Entry[] = [];
  /** Oldest first. */
  #dead: Entry[] = [];
  #now = 0;
  #turns = 0;

  constructor(bounds: { maxBytes: number; maxDeliveries: number }) {
    this.#bounds = bounds;
  }

  /** Deadlines must differ, except those of one claim: the contract does not order equal ones. */
  advance(ms: number): void {
    this.#now += ms;
    const isDue = ({ place, dueAt }: Entry) => (place === "leased" || place === "delayed") && dueAt <= this.#now;
    for (const entry of this.#entries.filter(isDue).sort((a, b) => a.dueAt - b.dueAt || a.turn - b.turn)) {
      if (entry.place === "delayed") {
        this.#toTail(entry);
      } else {
        this.counters.expired++;
        entry.returns++;
        this.#goOn(entry, 0, undefined);
      }
    }
  }

  opened(producer: string, epoch: number): void {
    this.producers.set(producer, { seq: 0, position: null, ...this.producers.get(producer), epoch });
  }

  inherited(producer: string, inherit: readonly string[]): ProducerPosition[] {
    if ((this.producers.get(producer)?.seq ?? 0) > 0) return [];
    return inherit.flatMap((other) => {
      const { epoch, seq, position } = this.producers.get(other) ?? { epoch: 0, seq: 0, position: null };
      return position === null || other === producer ? [] : [{ producer: other, epoch, seq, position }];
    });
  }

  publish(batches: readonly OutgoingBatch[], from: { producer: string; epoch: number }): PublishOutcome["kind"] {
    const producer = this.producers.get(from.producer) ?? { epoch: 0, seq: 0, position: null };
    if (from.epoch < producer.epoch) {
      this.counters.fenced++;
      return "fenced";
    }
    producer.epoch = from.epoch;
    this.producers.set(from.producer, producer);
    const fresh = batches.filter(({ seq }) => seq > producer.seq);
    const [first] = fresh;
    if (first === undefined) {
      this.counters.duplicates += batches.length;
      return "duplicate";
    }
    if (first.seq > producer.seq + 1) {
      this.counters.gaps++;
      return "gap";
    }
    if (this.bytes + sizeOf(fresh) > this.#bounds.maxBytes) {
      this.counters.rejected++;
      return "full";
    }
    this.counters.duplicates += batches.length - fresh.length;
    for (const batch of fresh) {
      const entry: Entry = { ...FRESH, ...from, batch, publishedAt: this.#now };
      this.#entries.push(entry);
      this.#ready.push(entry);
      Object.assign(producer, { seq: batch.seq, position: batch.position });
      this.counters.published++;
      this.counters.readings += batch.readings;
    }
    return "accepted";
  }

  /** The deliveries that a claim must return, without ids and receipts, which the queue makes. */
  claim(max: number, maxBytes: number, leaseMs: number): { entries: Entry[]; expected: object[] } {
    const entries: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#ready.slice(0, max)) {
      bytes += entry.batch.body.byteLength;
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    this.#ready = this.#ready.slice(entries.length);
    this.counters.claimed += entries.length;
    const expected = entries.map((entry) => {
      entry.place = "leased";
      entry.dueAt = this.#now + leaseMs;
      entry.turn = ++this.#turns;
      const { producer, epoch, batch, returns } = entry;
      return { producer, epoch, ...batch, attempt: returns + 1, leaseMs };
    });
    return { entries, expected };
  }

  delivered(entry: Entry, { id, receipt }: Delivery): void {
    if (this.receipts.has(receipt)) throw new Error(`receipt ${receipt} is that of an earlier delivery`);
    if (entry.id !== "" && entry.id !== id) throw new Error(`batch ${entry.id} has changed its id to ${id}`);
    Object.assign(entry, { id, receipt });
    this.receipts.set(receipt, entry);
  }

  ack(receipts: readonly string[]): boolean[] {
    return receipts.map((receipt) => {
      const entry = this.receipts.get(receipt);
      if (entry === undefined || entry.place === "gone" || entry.place === "dead") return false;
      this.#ready = this.#ready.filter((other) => other !== entry);
      entry.place = "gone";
      this.counters.acked++;
      return true;
    });
  }

  nack(receipts: readonly string[], mode: NackMode): boolean[] {
    const released: Entry[] = [];
    const answers = receipts.map((receipt) => {
      const entry = this.#heldBy(receipt);
      if (entry === undefined) return false;
      if (mode.kind === "release") {
        this.counters.released++;
        if (mode.delayMs) this.#delay(entry, mode.delayMs);
        else {
          entry.place = "ready";
          released.push(entry);
        }
        return true;
      }
      this.counters.nacked++;
      entry.returns++;
      if (mode.kind === "reject") this.#die(entry, mode.reason);
      else this.#goOn(entry, mode.delayMs, mode.reason);
      return true;
    });
    this.#ready = [...released, ...this.#ready];
    return answers;
  }

  extend(receipts: readonly string[], leaseMs: number): boolean[] {
    return receipts.map((receipt) => {
      const entry = this.#heldBy(receipt);
      if (entry !== undefined) entry.dueAt = this.#now + leaseMs;
      return entry !== undefined;
    });
  }

  get deadIds(): string[] {
    return this.#dead.map(({ id }) => id);
  }

  /** Oldest first; without `reason` where the queue words it. */
  get letters(): Partial<DeadLetter>[] {
    return this.#dead.map(letterOf);
  }

  redrive(ids: readonly string[] | undefined): number {
    let count = 0;
    for (const entry of this.#named(ids)) {
      if (this.bytes + entry.batch.body.byteLength > this.#bounds.maxBytes) break;
      this.#dead = this.#dead.filter((other) => other !== entry);
      entry.returns = 0;
      this.#toTail(entry);
      count++;
    }
    this.counters.redriven += count;
    return count;
  }

  purge(ids: readonly string[] | undefined): number {
    const named = this.#named(ids);
    for (const entry of named) entry.place = "gone";
    this.#dead = this.#dead.filter((entry) => !named.includes(entry));
    this.counters.purged += named.length;
    return named.length;
  }

  get bytes(): number {
    return bytesOf(this.#entries.filter(({ place }) => place !== "dead" && place !== "gone"));
  }

  get stats() {
    const at = (place: Entry["place"]) => this.#entries.filter((entry) => entry.place === place).length;
    const oldest = Math.min(this.#now, ...this.#ready.map(({ publishedAt }) => publishedAt));
    return {
      ready: at("ready"),
      leased: at("leased"),
      delayed: at("delayed"),
      dead: at("dead"),
      bytes: this.bytes,
      oldestAgeMs: this.#now - oldest,
      orphans: 0,
      counters: { ...this.counters },
    };
  }

  #heldBy(receipt: string): Entry | undefined {
    const entry = this.receipts.get(receipt);
    return entry?.place === "leased" && entry.receipt === receipt ? entry : undefined;
  }

  #named(ids: readonly string[] | undefined): Entry[] {
    return ids === undefined ? [...this.#dead] : this.#dead.filter(({ id }) => ids.includes(id));
  }

  #toTail(entry: Entry): void {
    entry.place = "ready";
    this.#ready.push(entry);
  }

  #goOn(entry: Entry, delayMs: number, reason: string | undefined): void {
    if (entry.returns >= this.#bounds.maxDeliveries) {
      this.#die(entry, reason);
    } else if (delayMs > 0) {
      this.#delay(entry, delayMs);
    } else {
      this.#toTail(entry);
    }
  }

  #delay(entry: Entry, delayMs: number): void {
    entry.place = "delayed";
    entry.dueAt = this.#now + delayMs;
  }

  #die(entry: Entry, reason: string | undefined): void {
    Object.assign(entry, { place: "dead", reason });
    this.#dead.push(entry);
    this.counters.dead++;
    while (this.#dead.length > 1 && bytesOf(this.#dead) > this.#bounds.maxBytes / 4)
      this.purge(this.deadIds.slice(0, 1));
  }
}
