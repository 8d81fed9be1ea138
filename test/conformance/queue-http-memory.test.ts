import { openMemoryQueue } from "../../services/queue/memory/queue.ts";
import { ManualClock } from "../support/time/manual-clock.ts";
import { overHttp } from "./queue/over-http.ts";
import { queueConformance } from "./queue.ts";

queueConformance(
  "HTTP over memory",
  overHttp(async ({ maxBytes = 1024 * 1024, maxDeliveries = 5 } = {}) => {
    const clock = new ManualClock();
    const queue = openMemoryQueue({ clock, maxBytes, maxDeliveries });
    return {
      queue,
      advance: (ms) => clock.advance(ms),
      [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
    };
  }),
);
