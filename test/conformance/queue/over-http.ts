/** Puts queue-service and its client in front of a queue under test. */
import type { Queue } from "../../../services/queue/port.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { eventually } from "../../support/time/eventually.ts";
import type { OpenQueue } from "./bench.ts";

/** The queue, with a count of the calls in flight. */
function counted(queue: Queue): { queue: Queue; readonly calls: () => number } {
  let calls = 0;
  const count =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      calls++;
      try {
        return await call(...args);
      } finally {
        calls--;
      }
    };
  return {
    calls: () => calls,
    queue: {
      openProducer: count(queue.openProducer.bind(queue)),
      publish: count(queue.publish.bind(queue)),
      claim: count(queue.claim.bind(queue)),
      ack: count(queue.ack.bind(queue)),
      nack: count(queue.nack.bind(queue)),
      extend: count(queue.extend.bind(queue)),
      stats: count(queue.stats.bind(queue)),
      deadLetters: {
        list: count(queue.deadLetters.list.bind(queue.deadLetters)),
        redrive: count(queue.deadLetters.redrive.bind(queue.deadLetters)),
        purge: count(queue.deadLetters.purge.bind(queue.deadLetters)),
      },
      [Symbol.asyncDispose]: queue[Symbol.asyncDispose].bind(queue),
    },
  };
}

/**
 * `advance` moves the time of the queue behind, once every call in flight has reached it. `restart` restarts that
 * queue.
 */
export const overHttp =
  (open: OpenQueue): OpenQueue =>
  async (options) => {
    await using opened = new AsyncDisposableStack();
    const behind = opened.use(await open(options));
    const inside = counted(behind.queue);
    const server = opened.use(await openQueueServer(inside.queue));
    const outside = counted(server.client);
    const parts = opened.move();
    return {
      queue: outside.queue,
      async advance(ms) {
        await eventually(() => inside.calls() === outside.calls(), { what: "every call is in the queue" });
        await behind.advance(ms);
      },
      async restart() {
        await behind.restart?.();
        return outside.queue;
      },
      [Symbol.asyncDispose]: () => parts.disposeAsync(),
    };
  };
