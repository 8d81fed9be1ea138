/** Lists the names that have been stored. */
import type { Collection, Document } from "mongodb";
import type { NameKind, NameQuery } from "../../../schema/model/known-names.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { NameRepository } from "../port.ts";
import { type Link, reading } from "./connection/link.ts";
import type { Collections } from "./documents.ts";
import { seriesOfField } from "./readings/field-names.ts";

/** GPUs per round trip. Each has some dozen series. */
const FETCH = 500;
/** Greater than every text that continues `startsWith`. */
const LAST = "\u{10ffff}";

type Place = readonly [collection: "gpus" | "stays" | "holds", field: string];
const PLACES: Readonly<Record<Exclude<NameKind, "metric">, readonly Place[]>> = {
  hostname: [
    ["stays", "host"],
    ["gpus", "seen.host"],
  ],
  model: [["gpus", "seen.model"]],
  namespace: [["holds", "namespace"]],
  pod: [["holds", "pod"]],
  job: [["holds", "job"]],
};

export function createNames({ call }: Link, collections: Collections): NameRepository["names"] {
  /** The series of a GPU are kept with it, also after its readings have expired. */
  const metricNames = ({ startsWith = "", limit, signal }: NameQuery): Promise<readonly string[]> =>
    call(
      async (callSignal) => {
        const fields = new Set<string>();
        const options = { ...reading(callSignal), projection: { _id: 0, newest: 1 }, batchSize: FETCH };
        await using cursor = collections.gpus.find({}, options);
        for await (const { newest } of cursor) for (const field of Object.keys(newest)) fields.add(field);
        const names = new Set([...fields].map((field) => metricOf(seriesOfField(field))));
        return [...names]
          .filter((name) => name.startsWith(startsWith))
          .sort()
          .slice(0, limit);
      },
      { signal },
    );

  const namesIn = async ([name, field]: Place, { startsWith = "", limit, signal }: NameQuery): Promise<string[]> => {
    const collection = collections[name] as unknown as Collection<Document>;
    const matching = { [field]: { $gt: "", $gte: startsWith, $lt: startsWith + LAST } };
    const pipeline = [{ $match: matching }, { $group: { _id: `$${field}` } }, { $sort: { _id: 1 } }, { $limit: limit }];
    const found = await call(
      (callSignal) => collection.aggregate<{ _id: string }>(pipeline, reading(callSignal)).toArray(),
      { signal },
    );
    return found.map(({ _id }) => _id);
  };

  return async (kind, query) => {
    if (kind === "metric") return metricNames(query);
    const found = await Promise.all(PLACES[kind].map((place) => namesIn(place, query)));
    return [...new Set(found.flat())].sort().slice(0, query.limit);
  };
}
