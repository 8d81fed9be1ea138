/**
 * Turns: writers of one GPU's holds notice each other. A writer begins a turn, reads the evidence, writes, and ends the
 * turn. If another writer has begun meanwhile, the end fails, and the writer repeats all but the begin.
 */
import { AppError } from "../../../../schema/model/errors.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, reading, writing } from "../connection/link.ts";
import type { Collections, TurnDocument } from "../documents.ts";

/** Number of GPUs in one command. */
const CHUNK = 1000;
/** How often other writers may interrupt a turn before it fails. */
const ATTEMPTS_MAX = 50;

export type Turn = Pick<TurnDocument, "turn" | "isBusy">;
const NO_TURN: Turn = { turn: 0, isBusy: false };

export interface Turns {
  /** Returns the turns of the GPUs; a GPU without one has `NO_TURN`. */
  of(gpus: readonly GpuUuid[]): Promise<(gpu: GpuUuid) => Turn>;
  begin(gpus: readonly GpuUuid[]): Promise<void>;
  /** Ends turns whose number is still the newest. Returns the GPUs for which another writer has begun. */
  end(turns: ReadonlyMap<GpuUuid, number>): Promise<readonly GpuUuid[]>;
  /**
   * Runs `work`, which reads and then writes, in a turn of the GPU, again while other writers interrupt it.
   * @throws AppError `unavailable` if they keep doing so
   */
  during(gpu: GpuUuid, work: () => Promise<void>): Promise<void>;
  /** The error for GPUs that other writers keep changing; undefined before the last attempt. */
  refusal(attempt: number, gpu: GpuUuid): AppError | undefined;
}

function* chunksOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

export function createTurns(link: Link, { turns: collection }: Collections): Turns {
  const of = async (gpus: readonly GpuUuid[]) => {
    const found = new Map<GpuUuid, Turn>();
    for (const some of chunksOf(gpus)) {
      const documents = await link.call((signal) =>
        collection.find({ _id: { $in: some as GpuUuid[] } }, reading(signal)).toArray(),
      );
      for (const document of documents) found.set(document._id, document);
    }
    return (gpu: GpuUuid) => found.get(gpu) ?? NO_TURN;
  };
  const turns: Turns = {
    of,
    async begin(gpus) {
      const known = await of(gpus);
      const added = gpus.filter((gpu) => known(gpu) === NO_TURN);
      for (const some of chunksOf(added)) {
        const documents = some.map((gpu): TurnDocument => ({ _id: gpu, v: 1, ...NO_TURN }));
        await link.call((signal) => insertNew(link, collection, documents, signal));
      }
      for (const some of chunksOf(gpus)) {
        const change = { $inc: { turn: 1 }, $set: { isBusy: true } };
        await link.call((signal) =>
          collection.updateMany({ _id: { $in: some as GpuUuid[] } }, change, writing(signal)),
        );
      }
    },
    async end(turns) {
      // GPUs with equal numbers share a command: most GPUs have had few turns.
      for (const [turn, ended] of Map.groupBy(turns, ([, number]) => number)) {
        for (const some of chunksOf(ended.map(([gpu]) => gpu))) {
          const isNewest = { _id: { $in: some as GpuUuid[] }, turn };
          await link.call((signal) => collection.updateMany(isNewest, { $set: { isBusy: false } }, writing(signal)));
        }
      }
      const newest = await of([...turns.keys()]);
      return [...turns].filter(([gpu, turn]) => newest(gpu).turn !== turn).map(([gpu]) => gpu);
    },
    async during(gpu, work) {
      await turns.begin([gpu]);
      for (let attempt = 0; ; attempt++) {
        const refusal = turns.refusal(attempt, gpu);
        if (refusal !== undefined) throw refusal;
        const { turn } = (await of([gpu]))(gpu);
        await work();
        if ((await turns.end(new Map([[gpu, turn]]))).length === 0) return;
      }
    },
    refusal: (attempt, gpu) =>
      attempt < ATTEMPTS_MAX
        ? undefined
        : new AppError(`Cannot store holds in ${link.place}: other writers keep changing ${gpu}`, {
            code: "unavailable",
          }),
  };
  return turns;
}
