/** Inserts documents in one round trip and reports which of them existed already. */
import { type Collection, type Document, MongoBulkWriteError, type OptionalUnlessRequiredId } from "mongodb";
import { DUPLICATE_KEY, refusedDocument } from "./errors.ts";
import { type Link, writing } from "./link.ts";

/**
 * Returns the indices of the documents that existed.
 * @throws AppError `unavailable`, also if the server stored the documents but did not confirm that they are durable;
 * `internal` for a document that the server can never store
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
    // A bulk error without refusals reports a connection error.
    if (refusals.length === 0) throw error;
    const other = refusals.find(({ code }) => code !== DUPLICATE_KEY);
    if (other !== undefined) throw refusedDocument(place, other);
    return new Set(refusals.map(({ index }) => index));
  }
}
