/** What a store holds of a numbered fleet: as readers see it, and of MongoDB document by document past our own code. */
import { MongoClient } from "mongodb";
import type { Attribution } from "../../../schema/model/gpu.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { ReadingCursor, Repository } from "../../../services/repository/port.ts";
import { Comparison, type Verdict } from "../chaos/comparison.ts";
import type { HeldBy, NumberedFleet } from "../chaos/numbered-fleet.ts";
import { heldIn } from "./held-in.ts";

/** As `telemetry_points` is documented. */
interface PointsDocument {
  readonly gpu: string;
  readonly from: number | Date;
  /** Milliseconds after `from`. */
  readonly at: readonly number[];
  /** One value per time; null: none. */
  readonly series: Readonly<Record<string, readonly (number | null)[]>>;
}

/** One scan of all documents: a reading that lies in two of them is told twice, whatever readers make of it. */
export async function compareDocuments(uri: string, database: string, fleet: NumberedFleet): Promise<Verdict> {
  const comparison = new Comparison(fleet);
  await using client = new MongoClient(uri);
  const documents = client.db(database).collection<PointsDocument>("telemetry_points").find({}, { batchSize: 2000 });
  for await (const { gpu, from, at, series } of documents) {
    const start = Number(from);
    for (const [name, values] of Object.entries(series)) {
      for (const [index, value] of values.entries()) {
        if (value !== null) comparison.add(gpu, name, start + (at[index] as number), value);
      }
    }
  }
  return comparison.verdict();
}

/** All readings of these GPUs, or of the whole fleet, page by page. */
export async function compareAnswers(
  repository: Pick<Repository, "readings">,
  fleet: NumberedFleet,
  gpus: readonly number[] = fleet.gpus,
): Promise<Verdict> {
  const comparison = new Comparison(fleet);
  for (const gpu of gpus) {
    const uuid = fleet.uuid(gpu);
    let after: ReadingCursor | undefined;
    do {
      const page = await repository.readings(uuid, ALL_TIME, { limit: 10_000, order: "oldest", after });
      for (const { series, at, value } of page.readings) comparison.add(uuid, series, at, value);
      after = page.next ?? undefined;
    } while (after !== undefined);
  }
  return comparison.verdict(gpus);
}

/** How far behind the end of an interval may stay for ever when its collector is killed. */
const LAG_MS = 30_000;

const isTold = (held: readonly Pick<Attribution, "pod" | "from" | "to">[], expected: readonly HeldBy[]): boolean =>
  held.length === expected.length &&
  expected.every(({ pod, from, to }, index) => {
    const told = held[index];
    return told?.pod === pod && told.from === from && told.to <= to && told.to > to - LAG_MS;
  });

/** What is said of the fleet's GPUs and of who held them, where it is not the truth; a few in words. */
export async function compareInventory(
  repository: Pick<Repository, "gpus" | "attributions">,
  fleet: NumberedFleet,
): Promise<string[]> {
  const { gpus, total } = await repository.gpus({ limit: 10_000 });
  const wrong = total === fleet.size.gpus ? [] : [`${total} GPUs are listed, not ${fleet.size.gpus}`];
  for (const { uuid } of gpus) {
    const gpu = fleet.gpuOf(uuid);
    if (gpu === undefined) {
      wrong.push(`${uuid} is not of the fleet`);
      continue;
    }
    const held = (await heldIn(repository, uuid, ALL_TIME)).map(({ pod, from, to }) => ({ pod, from, to }));
    const expected = fleet.heldBy(gpu);
    if (!isTold(held, expected)) {
      wrong.push(`GPU ${gpu} was held ${JSON.stringify(held)}, not ${JSON.stringify(expected)}`);
    }
  }
  return wrong.slice(0, 5);
}
