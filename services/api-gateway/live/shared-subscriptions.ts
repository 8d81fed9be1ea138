/**
 * Runs equal subscriptions as one: each result is computed and encoded once for all their readers. A reader that joins
 * later gets a snapshot first. A reader that cannot keep up continues with a subscription of its own. Sharing needs no
 * check of rights, as all callers may read the same data.
 */
import type { ExecutionResult } from "@graphql-tools/utils";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { mapAsync } from "../../platform/process/map-async.ts";
import { Relay, type RelayOptions, type RelayReader } from "./relay.ts";

export type Results = AsyncIterableIterator<ExecutionResult>;
/** Subscribes at the subgraph. A single result instead of a stream means that the subgraph refused. */
export type Open = (context: SubgraphContext) => Promise<Results | ExecutionResult>;

/** Frames that a reader may be behind the fastest one before it continues alone: some seconds of a slow client. */
const LIVE_BEHIND = 4;
/** The same for a snapshot: the frames of 8,000 GPUs. */
const SNAPSHOT_BEHIND = 16;

type Source = Relay<ExecutionResult> | { readonly refused: ExecutionResult };

interface Group {
  readonly open: Open;
  readonly ended: AbortController;
  readonly live: Promise<Source>;
  /** Lets no more readers join. */
  readonly forget: () => void;
  readers: number;
  /** The snapshot that joining readers wait for; null: none is waiting to start. */
  snapshot: Promise<Source> | null;
  /** Resolves when the snapshot before has ended: snapshots of a group run one at a time. */
  lastSnapshot: Promise<unknown>;
}

const isResults = (value: Results | ExecutionResult): value is Results => Symbol.asyncIterator in value;

const OVER: IteratorResult<ExecutionResult> = { done: true, value: undefined };

/** Adds a `stringify` that encodes once, when the first reader needs it. Both transports call it. */
function encodedOnce(result: ExecutionResult): ExecutionResult & { readonly stringify?: () => string } {
  // The transport masks errors before it encodes them.
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

  /** Shared subscriptions; those of readers that continue alone do not count. */
  get size(): number {
    return this.#groups.size;
  }

  /** @param left aborts when the reader has left */
  async subscribe(key: string, open: Open, left: AbortSignal | undefined): Promise<Results | ExecutionResult> {
    const known = this.#groups.get(key);
    const group = known ?? this.#create(key, open);
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
      // Joins before the snapshot is taken, so no frame is lost between the two.
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

  #create(key: string, open: Open): Group {
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

/** The next snapshot of the group. Readers that join while one is taken share the one after it. */
function snapshotOf(group: Group): Promise<Source> {
  if (group.snapshot !== null) return group.snapshot;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const snapshot = group.lastSnapshot.then(async () => {
    group.snapshot = null;
    const opening = group.open({ signal: group.ended.signal, snapshot: true });
    return await relayOf(opening, { onEnd: end, maxBehind: SNAPSHOT_BEHIND });
  });
  // Drained at once, so that the next snapshot does not wait for a slow reader of this one.
  snapshot.then((source) => ("refused" in source ? end() : drain(source.join())), end);
  group.snapshot = snapshot;
  group.lastSnapshot = over;
  return snapshot;
}

async function drain(reader: RelayReader<ExecutionResult>): Promise<void> {
  // Joining readers begin to read before the first frame comes.
  try {
    while (!(await reader.next()).done);
  } catch {
    // The readers of the snapshot get the error.
  }
}

/** Yields the frames of each reader in turn; after one has fallen behind, those of a subscription of its own. */
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
