/**
 * Tracks waiting claims. A wait ends when a batch is ready, its time is over, its caller leaves, or the service stops.
 */
import { AppError } from "../../schema/model/errors.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ClaimRequest, ConsumerQueue, Delivery } from "../queue/port.ts";

/** How many claims may wait in one process; each is an open request. */
const MAX_WAITING = 2000;
const RETRY_MS = 1000;

export interface Claims {
  /** If the caller's connection is cut before the answer is sent, the deliveries are released. */
  claim(request: ClaimRequest & { id?: string | undefined; connection: AbortSignal }): Promise<readonly Delivery[]>;
  /** Ends the wait of one claim. Returns false when no such claim waits in this process. */
  leave(id: string): boolean;
  /** Number of claims that wait now. */
  readonly waiting: number;
}

/** @param stop when it aborts, all waits end with empty answers; later claims throw `unavailable` */
export function createClaims(queue: ConsumerQueue, { log, stop }: { log: Logger; stop: AbortSignal }): Claims {
  const waits = new Map<string, AbortController>();
  stop.addEventListener("abort", () => {
    for (const leaving of waits.values()) leaving.abort();
  });
  return {
    get waiting() {
      return waits.size;
    },
    leave(id) {
      const leaving = waits.get(id);
      leaving?.abort();
      return leaving !== undefined;
    },
    async claim({ id = crypto.randomUUID(), connection, ...request }) {
      if (stop.aborted) throw new AppError("This replica is stopping: claim from another", { code: "unavailable" });
      if (waits.size >= MAX_WAITING) {
        const message = `Waiting claims must be at most ${MAX_WAITING}, got one more: claim again later`;
        throw new AppError(message, { code: "overloaded", retryAfterMs: RETRY_MS });
      }
      if (waits.has(id))
        throw new AppError(`id must be one that no waiting claim has, got ${JSON.stringify(id)}`, { code: "invalid" });
      const leaving = new AbortController();
      const leave = () => leaving.abort();
      connection.addEventListener("abort", leave);
      waits.set(id, leaving);
      try {
        const deliveries = await queue.claim({ ...request, signal: leaving.signal });
        if (!connection.aborted || deliveries.length === 0) return deliveries;
        await queue.nack(
          deliveries.map(({ receipt }) => receipt),
          { kind: "release" },
        );
        log.debug("claim released, caller left", { deliveries: deliveries.length });
        return [];
      } finally {
        waits.delete(id);
        connection.removeEventListener("abort", leave);
      }
    },
  };
}
