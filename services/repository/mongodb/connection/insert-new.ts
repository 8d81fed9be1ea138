/** Inserts documents of which some may be there: one round trip, and which ones were there already. */
import { type Collection, type Document, MongoBulkWriteError, type OptionalUnlessRequiredId } from "mongodb";
import { DUPLICATE_KEY, refusedDocument } from "./errors.ts";
import { type Link, writing } from "./link.ts";

/**
 * The indices of those that were there.
 * @throws AppError `unavailable`, also when only the durable acknowledgement is missing; `internal` for a document that
 * the server can never take
 */
export async function insertNew<T extends Document>(
  { place }: Pick<Link, "place">,
  collection: Collection<T>,
  documents: readonly T[],
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  try {
    await collection.insertMany(documents as OptionalUnlessRequiredId<T>[], { ordered: false, ...writing(signal) });
    return new Set();
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const unconfirmed = error.result.getWriteConcernError();
    if (unconfirmed !== undefined) throw refusedDocument(place, unconfirmed);
    const refusals = [error.writeErrors].flat();
    // The driver puts what happened to the connection into the same error.
    if (refusals.length === 0) throw error;
    const other = refusals.find(({ code }) => code !== DUPLICATE_KEY);
    if (other !== undefined) throw refusedDocument(place, other);
    return new Set(refusals.map(({ index }) => index));
  }
}
