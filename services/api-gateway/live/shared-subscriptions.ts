/**
 * Runs equal subscriptions as one: each result is computed and encoded once for all readers. A reader that joins later
 * gets a snapshot first. A reader that cannot keep up continues with a subscription of its own. Access rights need no
 * check here, because all callers may read the same data.
 */
import type { ExecutionResult } from "@graphql-tools/utils";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { mapAsync } from "../../platform/process/map-async.ts";
import { Relay, type RelayOptions, type RelayReader } from "./relay.ts";

export type Results = AsyncIterableIterator<ExecutionResult>;
/** Subscribes at the subgraph. A single result instead of a stream means that the subgraph refused. */
export type Open = (context: SubgraphContext) => Promise<Results | ExecutionResult>;

/** How many live frames a reader may lag behind the fastest one before it continues alone: a few seconds. */
const LIVE_BEHIND = 4;
/** How many frames a reader of a snapshot may lag behind the fastest one: the frames of 8,000 GPUs. */
const SNAPSHOT_BEHIND = 16;

type Source = Relay<ExecutionResult> | { readonly refused: ExecutionResult };

/** The readers of one shared subscription. */
interface Group {
  readonly open: Open;
  readonly ended: AbortController;
  readonly live: Promise<Source>;
  /** Removes the group from the map, so that no more readers join. */
  readonly forget: () => void;
  readers: number;
  /** The snapshot that has not started and that joining readers will share; null if there is none. */
  snapshot: Promise<Source> | null;
  /** Resolves when the newest snapshot has ended. Snapshots of a group run one at a time. */
  lastSnapshot: Promise<unknown>;
}

const isResults = (value: Results | ExecutionResult): value is Results => Symbol.asyncIterator in value;

const OVER: IteratorResult<ExecutionResult> = { done: true, value: undefined };

/** Adds a `stringify` that encodes the result at its first call and reuses the text. Both transports call it. */
function encodedOnce(result: ExecutionResult): ExecutionResult & { readonly stringify?: () => string } {
  // A result with errors is left to the transport, which masks the errors before it encodes them.
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

  /** Number of shared subscriptions, without those of readers that continue alone. */
  get size(): number {
    return this.#groups.size;
  }

  /** Joins the subscription with this key, or opens it. @param left aborts when the reader disconnects */
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
      // The reader joins before the snapshot is taken, so no frame between the two is lost.
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

/** Returns the next snapshot of the group. Readers that join while a snapshot is taken share the one after it. */
function snapshotOf(group: Group): Promise<Source> {
  if (group.snapshot !== null) return group.snapshot;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const snapshot = group.lastSnapshot.then(async () => {
    group.snapshot = null;
    const opening = group.open({ signal: group.ended.signal, snapshot: true });
    return await relayOf(opening, { onEnd: end, maxBehind: SNAPSHOT_BEHIND });
  });
  // A reader that is always fast drains the snapshot, so that the next one does not wait for slow readers.
  snapshot.then((source) => ("refused" in source ? end() : drain(source.join())), end);
  group.snapshot = snapshot;
  group.lastSnapshot = over;
  return snapshot;
}

async function drain(reader: RelayReader<ExecutionResult>): Promise<void> {
  // The other readers of the snapshot begin to read before its first frame arrives.
  try {
    while (!(await reader.next()).done);
  } catch {
    // The readers of the snapshot get the error.
  }
}

/**
 * Yields the frames of each reader in turn. When a reader has fallen behind, opens a subscription for this client
 * alone, and yields its frames from then on.
 */
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
