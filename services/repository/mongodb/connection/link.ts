/** The process's one client: its pool, and the time that each call may take. */
import { type Db, MongoClient, type MongoClientOptions } from "mongodb";
import { AppError } from "../../../../schema/model/errors.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import { storeError, withoutCredentials } from "./errors.ts";
import { watchHeartbeats } from "./heartbeats.ts";

/** Until a server is found, a connection made or one of the pool is free. */
const CONNECT_LIMIT_MS = 3000;
/** To connect and be answered takes twice that at most. */
const HEARTBEAT_LIMIT_MS = 2 * CONNECT_LIMIT_MS + 1000;
/** Of one call, whatever happens to its connection. */
const CALL_LIMIT_MS = 10_000;
/** The server ends a query that takes longer by itself. */
const QUERY_LIMIT_MS = 9_000;

/** What was answered is on the disks of a majority. */
const DURABLE = { w: "majority", journal: true, wtimeoutMS: 9_000 } as const;

/** Options of a read: how long the server works on it, and what ends it sooner. */
export const reading = (signal: AbortSignal) => ({ maxTimeMS: QUERY_LIMIT_MS, signal });

/** Options of a write: the driver heeds the signal, though its types do not say so. */
export const writing = (signal: AbortSignal): object => ({ signal });

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limitMs?: number;
}

export interface Link extends AsyncDisposable {
  readonly db: Db;
  /** Hosts and database, without credentials. */
  readonly place: string;
  /**
   * Gives `work` a signal to pass to the driver: it aborts when the caller's does and when time is up.
   * @throws AppError `unavailable`; the caller's reason when its signal aborts
   */
  call<T>(work: (signal: AbortSignal) => Promise<T>, options?: CallOptions): Promise<T>;
}

export interface LinkOptions {
  readonly url: string;
  readonly database: string;
  readonly poolSize: number;
}

/** Without its cause, which may quote the address with its password. */
const unusableAddress = ({ message }: Error): AppError =>
  new AppError(`Cannot use MONGODB_URI: ${withoutCredentials(message)}; expected mongodb://HOST:PORT`, UNAVAILABLE);

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

/** Done once; again after it failed. */
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

/** Connects with the first call. @throws AppError `unavailable` when the address cannot be used at all */
export function openLink(options: LinkOptions, { log }: { log: Logger }): Link {
  const client = createClient(options);
  const hosts = client.options.srvHost ?? client.options.hosts.map(String).join(",");
  const place = `mongodb://${hosts}/${options.database}`;
  // Left to itself, the driver never recovers from a server that was away at first.
  let connected = once(() => client.connect());
  const heartbeats = watchHeartbeats(client, {
    limitMs: HEARTBEAT_LIMIT_MS,
    onStuck: (server) => {
      log.warn("store's client hangs and is connected anew", { server });
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
    async call(work, { signal, limitMs = CALL_LIMIT_MS } = {}) {
      signal?.throwIfAborted();
      // The driver may wait for ever on a connection that is closed just as a call begins to use it (seen on Bun), and
      // keeps it then: only a signal makes it let go.
      const controller = new AbortController();
      let reason: unknown;
      const end = (why: unknown) => {
        reason = why;
        // The driver copies what it is given, so it gets an error without meaning.
        controller.abort(new Error("The call has ended"));
      };
      const late = () => new AppError(`Cannot use the store ${place}: no answer within ${limitMs} ms`, UNAVAILABLE);
      const timer = setTimeout(() => end(late()), limitMs);
      const leave = () => end(signal?.reason);
      signal?.addEventListener("abort", leave, { once: true });
      try {
        await Promise.race([connected(), abortOf(controller.signal)]);
        return await work(controller.signal);
      } catch (error) {
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
