/**
 * Equal subscriptions of many readers are one: it is asked for, answered and encoded once. Who joins later gets a
 * snapshot of its own first, and who cannot keep up goes on alone, at its own pace. All readers may read the same, so
 * there is nothing to tell them apart by.
 */
import type { ExecutionResult } from "@graphql-tools/utils";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { mapAsync } from "../../platform/process/map-async.ts";
import { Relay, type RelayOptions, type RelayReader } from "./relay.ts";

export type Results = AsyncIterableIterator<ExecutionResult>;
/** Subscribes at the subgraph. A single result instead of a stream means that the subgraph refused. */
export type Open = (context: SubgraphContext) => Promise<Results | ExecutionResult>;

/** Frames that a reader may be behind others before it goes on alone: some seconds of a slow client. */
const LIVE_BEHIND = 4;
/** A snapshot of 8,000 GPUs. */
const SNAPSHOT_BEHIND = 16;

type Source = Relay<ExecutionResult> | { readonly refused: ExecutionResult };

interface Group {
  readonly open: Open;
  readonly ended: AbortController;
  readonly live: Promise<Source>;
  /** Nobody joins it any more. */
  readonly forget: () => void;
  readers: number;
  /** The snapshot that joiners wait for; those before have ended when it starts. */
  snapshot: Promise<Source> | null;
  lastSnapshot: Promise<unknown>;
}

const isResults = (value: Results | ExecutionResult): value is Results => Symbol.asyncIterator in value;

const OVER: IteratorResult<ExecutionResult> = { done: true, value: undefined };

/** Encoded when the first of its readers needs it. Both transports ask for the result's own `stringify`. */
function encodedOnce(result: ExecutionResult): ExecutionResult & { readonly stringify?: () => string } {
  // What an error may tell is for the transport to judge.
  if (result.errors !== undefined) return result;
  let text: string | undefined;
  return {
    ...result,
    stringify: () => {
      text ??= JSON.stringify(result);
      return text;
    },
  };
}

const relayOf = async (opening: Promise<Results | ExecutionResult>, options: RelayOptions): Promise<Source> => {
  const results = await opening;
  return isResults(results) ? new Relay(mapAsync(results, encodedOnce), options) : { refused: results };
};

export class SharedSubscriptions {
  readonly #groups = new Map<string, Group>();

  /** Subscriptions that are asked for, beside those of readers who go on alone. */
  get size(): number {
    return this.#groups.size;
  }

  /** @param left aborts when the reader has gone, however far its results have come */
  async subscribe(key: string, open: Open, left: AbortSignal | undefined): Promise<Results | ExecutionResult> {
    const known = this.#groups.get(key);
    const group = known ?? this.#found(key, open);
    group.readers++;
    let member = true;
    const leave = () => {
      if (member && --group.readers === 0) this.#end(group);
      member = false;
    };
    try {
      const live = await group.live;
      if ("refused" in live) {
        leave();
        return live.refused;
      }
      // In place before the snapshot is taken: nothing falls between.
      const isLate = live.started;
      const reader = live.join();
      const snapshot = isLate ? await snapshotOf(group) : null;
      if (snapshot !== null && "refused" in snapshot) {
        reader.leave();
        leave();
        return snapshot.refused;
      }
      return readOn([...(snapshot === null ? [] : [snapshot.join()]), reader], { open, left, leave });
    } catch (error) {
      leave();
      throw error;
    }
  }

  #found(key: string, open: Open): Group {
    const ended = new AbortController();
    const forget = () => {
      if (this.#groups.get(key) === group) this.#groups.delete(key);
    };
    const live = relayOf(open({ signal: ended.signal }), { onEnd: forget, maxBehind: LIVE_BEHIND });
    const group: Group = { open, ended, live, forget, readers: 0, snapshot: null, lastSnapshot: Promise.resolve() };
    this.#groups.set(key, group);
    return group;
  }

  #end(group: Group): void {
    group.forget();
    group.ended.abort();
    for (const source of [group.live, group.snapshot]) {
      source?.then((relay) => ("refused" in relay ? undefined : relay.close())).catch(() => {});
    }
  }
}

/** The next snapshot of the group: one at a time, for all who came while the one before was taken. */
function snapshotOf(group: Group): Promise<Source> {
  if (group.snapshot !== null) return group.snapshot;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const snapshot = group.lastSnapshot.then(async () => {
    group.snapshot = null;
    const opening = group.open({ signal: group.ended.signal, snapshot: true });
    return await relayOf(opening, { onEnd: end, maxBehind: SNAPSHOT_BEHIND });
  });
  // It is taken at once, whoever waits for it: the next one must not wait for a slow reader.
  snapshot.then((source) => ("refused" in source ? end() : drain(source.join())), end);
  group.snapshot = snapshot;
  group.lastSnapshot = over;
  return snapshot;
}

async function drain(reader: RelayReader<ExecutionResult>): Promise<void> {
  // Joiners begin to read before the first frame comes.
  try {
    while (!(await reader.next()).done);
  } catch {
    // Those who read it are told.
  }
}

/** The readers' frames one after the other; once one of them was too slow, those of a subscription of its own. */
function readOn(
  readers: RelayReader<ExecutionResult>[],
  { open, left, leave }: { open: Open; left: AbortSignal | undefined; leave: () => void },
): Results {
  const gone = new AbortController();
  let alone: Results | null = null;
  const stop = () => {
    for (const reader of readers.splice(0)) reader.leave();
    leave();
  };
  const end = async () => {
    gone.abort();
    stop();
    await alone?.return?.();
    return OVER;
  };
  left?.addEventListener("abort", () => void end(), { once: true, signal: gone.signal });
  if (left?.aborted) void end();

  async function next(): Promise<IteratorResult<ExecutionResult>> {
    for (;;) {
      if (gone.signal.aborted) return OVER;
      if (alone !== null) return alone.next();
      const [reader] = readers;
      if (reader === undefined) return end();
      const result = await reader.next();
      if (!result.done) return result;
      if (!reader.isBehind) {
        readers.shift();
        continue;
      }
      stop();
      const results = await open({ signal: gone.signal, resumed: true });
      if (!isResults(results)) {
        gone.abort();
        return { done: false, value: results };
      }
      alone = results;
    }
  }
  const results: Results = {
    next,
    return: end,
    [Symbol.asyncIterator]: () => results,
  };
  return results;
}
