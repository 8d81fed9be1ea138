/**
 * Queues with one planted mistake each, around a correct one: the comparison with the model must find every mistake.
 */
import { MAX_LEASE_MS, type Queue } from "../../../services/queue/port.ts";

/** The queue with some calls replaced. */
function around(queue: Queue, mutated: Partial<Queue>): Queue {
  return {
    openProducer: (...args) => queue.openProducer(...args),
    publish: (...args) => queue.publish(...args),
    claim: (...args) => queue.claim(...args),
    ack: (...args) => queue.ack(...args),
    nack: (...args) => queue.nack(...args),
    extend: (...args) => queue.extend(...args),
    stats: () => queue.stats(),
    deadLetters: queue.deadLetters,
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
    ...mutated,
  };
}

export const QUEUE_MUTANTS: Readonly<Record<string, (queue: Queue) => Queue>> = {
  "an expired lease is not returned": (queue) =>
    around(queue, {
      claim: async (request) =>
        (await queue.claim({ ...request, leaseMs: MAX_LEASE_MS })).map((delivery) => ({
          ...delivery,
          leaseMs: request.leaseMs,
        })),
    }),

  "an expired lease uses no attempt": (queue) => {
    const ids = new Map<string, string>();
    const nacks = new Map<string, number>();
    return around(queue, {
      claim: async (request) =>
        (await queue.claim(request)).map((delivery) => {
          const { id, receipt, attempt } = delivery;
          ids.set(receipt, id);
          if (attempt === 1) nacks.set(id, 0);
          return { ...delivery, attempt: 1 + (nacks.get(id) ?? 0) };
        }),
      nack: async (receipts, mode) => {
        const answers = await queue.nack(receipts, mode);
        for (const [index, receipt] of receipts.entries()) {
          const id = ids.get(receipt) ?? "";
          if (answers[index] && mode.kind === "retry") nacks.set(id, (nacks.get(id) ?? 0) + 1);
        }
        return answers;
      },
    });
  },

  "a late ack is refused": (queue) => {
    const newest = new Map<string, string>();
    return around(queue, {
      claim: async (request) => {
        const deliveries = await queue.claim(request);
        for (const { id, receipt } of deliveries) newest.set(id, receipt);
        return deliveries;
      },
      ack: async (receipts) => {
        const current = new Set(newest.values());
        const accepted = await queue.ack(receipts.filter((receipt) => current.has(receipt)));
        let next = 0;
        return receipts.map((receipt) => current.has(receipt) && (accepted[next++] ?? false));
      },
    });
  },

  "a released batch goes to the tail": (queue) => {
    let moves = 0;
    return around(queue, {
      nack: async (receipts, mode) => {
        const answers = await queue.nack(receipts, mode);
        if (mode.kind !== "release") return answers;
        const line = await queue.claim({ max: 1000, maxBytes: 1_000_000, leaseMs: 1000, waitMs: 0 });
        const released = answers.filter(Boolean).length;
        const order = [...line.slice(released), ...line.slice(0, released)];
        await queue.nack(
          order.map(({ receipt }) => receipt),
          { kind: "release" },
        );
        moves += line.length;
        return answers;
      },
      stats: async () => {
        const { counters, ...stats } = await queue.stats();
        const { claimed, released } = counters;
        return { ...stats, counters: { ...counters, claimed: claimed - moves, released: released - moves } };
      },
    });
  },

  "an older life is not fenced": (queue) => {
    const newest = new Map<string, number>();
    return around(queue, {
      openProducer: async (producer, options) => {
        const opened = await queue.openProducer(producer, options);
        newest.set(producer, opened.epoch);
        return opened;
      },
      publish: (batches, { producer, epoch }) =>
        queue.publish(batches, { producer, epoch: Math.max(epoch, newest.get(producer) ?? 0) }),
    });
  },

  "a life that the queue has forgotten is fenced": (queue) => {
    const known = new Set<string>();
    return around(queue, {
      openProducer: (producer, options) => {
        known.add(producer);
        return queue.openProducer(producer, options);
      },
      publish: async (batches, from) =>
        known.has(from.producer) ? await queue.publish(batches, from) : { kind: "fenced" },
    });
  },

  "a lost lease can be renewed": (queue) => {
    const known = new Set<string>();
    return around(queue, {
      claim: async (request) => {
        const deliveries = await queue.claim(request);
        for (const { receipt } of deliveries) known.add(receipt);
        return deliveries;
      },
      extend: async (receipts, leaseMs) => {
        await queue.extend(receipts, leaseMs);
        return receipts.map((receipt) => known.has(receipt));
      },
    });
  },
};
