/** Where received batches are made safe before their request is answered. */
import { AppError, messageOf } from "../../../schema/model/errors.ts";
import { Availability, type AvailabilityOptions } from "../../platform/process/availability.ts";
import type { Spool } from "../../spool/spool.ts";
import type { EncodedBatch } from "../series/intake.ts";

export interface Recorder {
  /**
   * Resolves once all batches are on disk. If it throws, some of them may be, and the sender sends all of them again:
   * the store takes each once.
   * @throws AppError `unavailable` if there is no room, or no answer
   */
  record(batches: readonly EncodedBatch[]): Promise<void>;
}

/** A spool that is full has room again once the queue takes batches; Prometheus waits at most 5 s by itself. */
const FULL_RETRY_MS = 5000;

/** Records in a spool, which `sendFromSpool()` empties. */
export function createSpoolRecorder(spool: Pick<Spool, "append">, options: AvailabilityOptions): Recorder {
  const disk = new Availability("receive spool", options);
  return {
    async record(batches) {
      let numbers: readonly (number | null)[];
      try {
        numbers = await Promise.all(batches.map(({ body, readings }) => spool.append(body, readings)));
      } catch (cause) {
        disk.down(messageOf(cause));
        throw new AppError("The disk of the spool does not take writes", {
          code: "unavailable",
          cause,
          retryAfterMs: FULL_RETRY_MS,
        });
      }
      if (numbers.includes(null)) {
        disk.down("spool is full");
        throw new AppError("The spool is full until the store has caught up", {
          code: "unavailable",
          retryAfterMs: FULL_RETRY_MS,
        });
      }
      if (numbers.length > 0) disk.up();
    },
  };
}
