/** The process's one MongoDB client: its pool, its availability, and the time limit of each call. */
import { type Db, MongoClient, type MongoClientOptions } from "mongodb";
import { AppError } from "../../../../schema/model/errors.ts";
import { Availability } from "../../../platform/process/availability.ts";
import type { Clock } from "../../../platform/process/clock.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import { isUnreachable, storeError, withoutCredentials } from "./errors.ts";
import { watchHeartbeats } from "./heartbeats.ts";

/** Time limit for each of three steps: to find a server, to connect, and to get a connection from the pool. */
const CONNECT_LIMIT_MS = 3000;
/** Time limit of a heartbeat, in which connecting and the answer take at most `CONNECT_LIMIT_MS` each. */
const HEARTBEAT_LIMIT_MS = 2 * CONNECT_LIMIT_MS + 1000;
/** Time limit of one call, whatever happens to its connection. */
const CALL_LIMIT_MS = 10_000;
/** The server itself ends a query this long before its call is over. */
const QUERY_MARGIN_MS = 1000;

/** A write is confirmed once it is in the journals of a majority of the servers. */
const DURABLE = { w: "majority", journal: true, wtimeoutMS: 9_000 } as const;

/** Options of a read. @param limitMs time limit of the call that it belongs to */
export const reading = (signal: AbortSignal, limitMs = CALL_LIMIT_MS) => ({
  maxTimeMS: limitMs - QUERY_MARGIN_MS,
  signal,
});

/** Options of a write. The driver takes the signal, although its types do not declare it. */
export const writing = (signal: AbortSignal): object => ({ signal });

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: `CALL_LIMIT_MS`. */
  readonly limitMs?: number;
}

export interface Link extends AsyncDisposable {
  readonly db: Db;
  /** Hosts and database, without credentials. */
  readonly place: string;
  /** Number of connections. Calls wait for a free one, but not for long. */
  readonly poolSize: number;
  /** Down from the first call that cannot reach a server until the next call that succeeds. */
  readonly availability: Availability;
  /**
   * Runs `work` with a signal for the driver, which aborts with the caller's signal and at the time limit.
   * @throws AppError `unavailable` at the time limit and for errors of the server or the network; the caller's reason
   * when its signal aborts
   */
  call<T>(work: (signal: AbortSignal) => Promise<T>, options?: CallOptions): Promise<T>;
}

export interface LinkOptions {
  readonly url: string;
  readonly database: string;
  readonly poolSize: number;
}

/** Returns the error for a malformed address. It has no `cause`, which might quote the address with its password. */
const unusableAddress = ({ message }: Error): AppError =>
  new AppError(`MONGODB_URI must be an address like mongodb://HOST:PORT: ${withoutCredentials(message)}`, UNAVAILABLE);

function createClient({ url, poolSize }: LinkOptions): MongoClient {
  const options: MongoClientOptions = {
    appName: "gpu-telemetry",
    maxPoolSize: poolSize,
    connectTimeoutMS: CONNECT_LIMIT_MS,
    serverSelectionTimeoutMS: CONNECT_LIMIT_MS,
    waitQueueTimeoutMS: CONNECT_LIMIT_MS,
    socketTimeoutMS: CALL_LIMIT_MS,
    writeConcern: DURABLE,
    ignoreUndefined: false,
  };
  try {
    return new MongoClient(url, options);
  } catch (error) {
    throw unusableAddress(error as Error);
  }
}

/**
 * Returns a function that runs `work` on its first call and shares the outcome. After a failure, the next call runs
 * `work` again.
 */
export function once(work: () => Promise<unknown>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().then(
      () => {},
      (error: unknown) => {
        done = undefined;
        throw error;
      },
    );
    return done;
  };
}

const UNAVAILABLE = { code: "unavailable" } as const;

const abortOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

/**
 * Returns a link that connects on its first call. @throws AppError `unavailable` when the driver cannot parse the
 * address
 */
export function openLink(options: LinkOptions, { clock, log }: { clock: Clock; log: Logger }): Link {
  const client = createClient(options);
  const availability = new Availability("mongodb", { clock, log });
  const hosts = client.options.srvHost ?? client.options.hosts.map(String).join(",");
  const place = `mongodb://${hosts}/${options.database}`;
  // Connects explicitly: a driver that connects on its first operation never recovers if the server is down just then.
  let connected = once(() => client.connect());
  const heartbeats = watchHeartbeats(client, {
    limitMs: HEARTBEAT_LIMIT_MS,
    onStuck: (server) => {
      log.warn("heartbeat stuck, reconnecting", { server });
      const closed = client.close().catch(() => {});
      connected = once(async () => {
        await closed;
        await client.connect();
      });
    },
  });
  return {
    db: client.db(options.database),
    place,
    poolSize: options.poolSize,
    availability,
    async call(work, { signal, limitMs = CALL_LIMIT_MS } = {}) {
      signal?.throwIfAborted();
      // On Bun the driver may wait forever on a connection that the server closes just as a call begins to use it. Only
      // a signal ends that wait and frees the connection.
      const controller = new AbortController();
      let reason: unknown;
      const end = (why: unknown) => {
        reason = why;
        // The driver rejects with a copy of the reason, so `reason` is thrown instead.
        controller.abort(new Error("The call has ended"));
      };
      const late = () => new AppError(`Cannot use the store ${place}: no answer within ${limitMs} ms`, UNAVAILABLE);
      const timer = setTimeout(() => end(late()), limitMs);
      const leave = () => end(signal?.reason);
      signal?.addEventListener("abort", leave, { once: true });
      try {
        await Promise.race([connected(), abortOf(controller.signal)]);
        const answer = await work(controller.signal);
        availability.up();
        return answer;
      } catch (error) {
        if (isUnreachable(error)) availability.down(withoutCredentials(error.message));
        throw controller.signal.aborted ? reason : storeError(place, error);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", leave);
      }
    },
    async [Symbol.asyncDispose]() {
      heartbeats[Symbol.dispose]();
      await client.close();
    },
  };
}
