/** All partitions of a queue: assigns producers to them, and spreads claims and receipts over them. */
import { fnv1a } from "../../../schema/model/fnv1a.ts";
import type { ClaimRequest, Delivery } from "../port.ts";
import type { Claimed, Partition } from "./partition.ts";
import { parseReceipt, type Receipt } from "./receipt.ts";

/** Hashes the UTF-8 bytes of the producer's name. */
function partitionOf(producer: string, partitions: number): number {
  const hash = fnv1a(Buffer.from(producer).toString("latin1"));
  return (hash >>> 0) % partitions;
}

export class Partitions {
  readonly all: readonly Partition[];
  /** Counts the claims that name no first partition, so that each begins at the next partition. */
  #turn: number;

  constructor(partitions: readonly Partition[]) {
    this.all = partitions;
    this.#turn = Math.floor(Math.random() * partitions.length);
  }

  of(producer: string): Partition {
    return this.all[partitionOf(producer, this.all.length)] as Partition;
  }

  /** Claims from one partition after another, beginning with `first`, until the request is filled. */
  async claim({ max, maxBytes, leaseMs }: ClaimRequest, first: number | null): Promise<Claimed> {
    const { length } = this.all;
    const begin = first ?? this.#turn++ % length;
    const deliveries: Delivery[] = [];
    let [room, due, left] = [maxBytes, Number.POSITIVE_INFINITY, 0];
    for (let step = 0; step < length && deliveries.length < max && room > 0; step++) {
      const partition = this.all[(begin + step) % length] as Partition;
      const bounds = { max: max - deliveries.length, maxBytes: room, leaseMs };
      const claimed = await partition.claim(bounds, deliveries.length > 0).catch((error: unknown) => {
        // Batches of earlier partitions are leased already, so deliver them.
        if (deliveries.length === 0) throw error;
        return null;
      });
      if (claimed === null) break;
      deliveries.push(...claimed.deliveries);
      room -= claimed.deliveries.reduce((sum, { body }) => sum + body.byteLength, 0);
      left += claimed.left;
      due = Math.min(due, claimed.dueInMs ?? Number.POSITIVE_INFINITY);
    }
    return { deliveries, left, dueInMs: due === Number.POSITIVE_INFINITY ? null : due };
  }

  /** Asks each partition about its own receipts. Answers in the order given; false for malformed receipts. */
  async answer(
    receipts: readonly string[],
    ask: (partition: Partition, named: readonly Receipt[]) => Promise<readonly boolean[]>,
  ): Promise<readonly boolean[]> {
    const named = receipts.map(parseReceipt);
    const answers = receipts.map(() => false);
    await Promise.all(
      this.all.map(async (partition) => {
        const places = named.flatMap((receipt, place) => (receipt?.partition === partition.number ? [place] : []));
        if (places.length === 0) return;
        const given = await ask(
          partition,
          places.map((place) => named[place] as Receipt),
        );
        for (const [index, place] of places.entries()) answers[place] = given[index] ?? false;
      }),
    );
    return answers;
  }
}
