/** Deletes records of a spool once they are as durable elsewhere. */
import { isAppError } from "../../schema/model/errors.ts";
import type { Repository } from "../repository/port.ts";
import type { Spool } from "../spool/spool.ts";

/** Returns a function to call with the number of the last record that the queue has accepted. */
export function confirmStored({
  spool,
  producer,
  repository,
  keepsBatches,
}: {
  spool: Pick<Spool, "confirm">;
  producer: string;
  repository: Pick<Repository, "position">;
  /** True if the queue outlives this process. Otherwise the spool keeps all records that are not in the store yet. */
  keepsBatches: boolean;
}): (number: number) => Promise<void> {
  return async (number) => {
    if (keepsBatches) return await spool.confirm(number);
    const stored = await repository.position(producer).catch((error: unknown) => {
      // A store that is away is asked again after the next batch.
      if (!isAppError(error, "unavailable")) throw error;
      return null;
    });
    if (stored !== null) await spool.confirm(Number(stored.position));
  };
}
