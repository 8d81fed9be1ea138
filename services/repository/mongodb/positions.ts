/** The stored position of each producer. It only advances, whichever process writes it. */
import type { StoredPosition } from "../port.ts";
import { isFurther } from "../rules.ts";
import { isDuplicateKey } from "./connection/errors.ts";
import { type CallOptions, type Link, reading, writing } from "./connection/link.ts";
import type { Collections } from "./documents.ts";

export interface Positions {
  find(producer: string): Promise<StoredPosition | null>;
  advance(positions: readonly StoredPosition[], options?: CallOptions): Promise<void>;
}

export function createPositions({ call }: Link, { positions: collection }: Collections): Positions {
  const advance = (end: StoredPosition, options?: CallOptions) =>
    call(async (signal) => {
      const { producer: _id, epoch, seq, position } = end;
      const isBehind = { _id, $or: [{ epoch: { $lt: epoch } }, { epoch, seq: { $lt: seq } }] };
      const move = () => collection.updateOne(isBehind, { $set: { epoch, seq, position } }, writing(signal));
      if ((await move()).matchedCount === 1) return;
      try {
        await collection.insertOne({ _id, v: 1, epoch, seq, position }, writing(signal));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // The stored position is as far already, or another process has just inserted an earlier one, which `move`
        // advances.
        await move();
      }
    }, options);

  return {
    find: (producer) =>
      call(async (signal) => {
        const found = await collection.findOne({ _id: producer }, reading(signal));
        return found && { producer, epoch: found.epoch, seq: found.seq, position: found.position };
      }),
    async advance(ends, options) {
      const furthest = new Map<string, StoredPosition>();
      for (const end of ends) if (isFurther(end, furthest.get(end.producer))) furthest.set(end.producer, end);
      for (const end of furthest.values()) await advance(end, options);
    },
  };
}
