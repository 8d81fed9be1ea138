/** Compares what is stored with a numbered fleet: through the repository, or through MongoDB's own driver. */
import { MongoClient } from "mongodb";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { ReadingCursor, Repository } from "../../../services/repository/port.ts";
import { Comparison, type Verdict } from "../chaos/comparison.ts";
import type { HeldBy, NumberedFleet } from "../chaos/numbered-fleet.ts";
import { untilAvailable } from "../time/until-available.ts";
import { heldIn, nameOf } from "./held-in.ts";

/** Time for one page, ms: a server without indexes scans all documents, and may exceed the time limit of a query. */
const READ_LIMIT_MS = 120_000;

/** A document of `telemetry_points`, see services/repository/FORMATS.md. */
interface PointsDocument {
  readonly gpu: string;
  readonly from: number | Date;
  /** Milliseconds after `from`. */
  readonly at: readonly number[];
  /** One value per time; null: none. */
  readonly series: Readonly<Record<string, readonly (number | null)[]>>;
}

/** Scans all documents. A reading that is in two of them counts twice, although reads would merge it. */
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

/** Reads all readings of the GPUs, or of the whole fleet, page by page. */
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
      const read = () => repository.readings(uuid, ALL_TIME, { limit: 10_000, order: "oldest", after });
      const page = await untilAvailable(read, { what: `readings of ${uuid}`, deadlineMs: READ_LIMIT_MS });
      for (const { series, at, value } of page.readings) comparison.add(uuid, series, at, value);
      after = page.next ?? undefined;
    } while (after !== undefined);
  }
  return comparison.verdict(gpus);
}

/** How far the end of a hold may stay behind when its collector is killed. */
const LAG_MS = 30_000;

const matches = (held: readonly HeldBy[], expected: readonly HeldBy[]): boolean =>
  held.length === expected.length &&
  expected.every(({ pod, from, to }, index) => {
    const stored = held[index];
    return stored?.pod === pod && stored.from === from && stored.to <= to && stored.to > to - LAG_MS;
  });

/** Describes the first few differences between the stored inventory and holds and the fleet. */
export async function compareInventory(
  repository: Pick<Repository, "gpus" | "holds">,
  fleet: NumberedFleet,
): Promise<string[]> {
  const { gpus, total } = await repository.gpus({ limit: 10_000 });
  const wrong = total === fleet.size.gpus ? [] : [`total must be ${fleet.size.gpus} GPUs, got ${total}`];
  for (const { uuid } of gpus) {
    const gpu = fleet.gpuOf(uuid);
    if (gpu === undefined) {
      wrong.push(`${uuid} is not in the fleet`);
      continue;
    }
    const holds = await heldIn(repository, uuid, ALL_TIME);
    const held = holds.map((hold): HeldBy => ({ pod: nameOf(hold) ?? "", from: hold.from, to: hold.to }));
    const expected = fleet.heldBy(gpu);
    if (!matches(held, expected)) {
      wrong.push(`holders of GPU ${gpu} must be ${JSON.stringify(expected)}, got ${JSON.stringify(held)}`);
    }
  }
  return wrong.slice(0, 5);
}
