/** Claims that wait: each ends when something comes, its time is over, its caller leaves, or the service stops. */
import { AppError } from "../../schema/model/errors.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ClaimRequest, ConsumerQueue, Delivery } from "../queue/port.ts";

/** Of one process; each is a request that stays open. */
const MAX_WAITING = 2000;
const RETRY_MS = 1000;

export interface Claims {
  /** Nothing stays leased to a caller whose connection is cut before the answer leaves. */
  claim(request: ClaimRequest & { id?: string | undefined; connection: AbortSignal }): Promise<readonly Delivery[]>;
  /** Ends the wait of a caller who says so; false: it waits not, or not here. */
  leave(id: string): boolean;
  readonly waiting: number;
}

/** @param stop ends all waits with empty answers; later claims are refused */
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
      if (stop.aborted) throw new AppError("This replica is stopping: ask another", { code: "unavailable" });
      if (waits.size >= MAX_WAITING) {
        const message = `Cannot claim: ${MAX_WAITING} callers are waiting already`;
        throw new AppError(message, { code: "overloaded", retryAfterMs: RETRY_MS });
      }
      if (waits.has(id)) throw new AppError(`A claim ${JSON.stringify(id)} is under way`, { code: "invalid" });
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
        log.debug("claim given back: its caller is gone", { deliveries: deliveries.length });
        return [];
      } finally {
        waits.delete(id);
        connection.removeEventListener("abort", leave);
      }
    },
  };
}
