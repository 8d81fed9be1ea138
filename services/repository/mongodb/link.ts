/** The process's one client: its pool, and the time that each call may take. */
import { type Db, MongoClient, type MongoClientOptions } from "mongodb";
import { AppError } from "../../../schema/errors.ts";
import { storeError, withoutCredentials } from "./errors.ts";

/** Until a server is found, a connection made or one of the pool is free. */
const CONNECT_LIMIT_MS = 5000;
/** Of one call, whatever happens to its connection. */
const CALL_LIMIT_MS = 15_000;
/** The server ends a query that takes longer by itself. */
const QUERY_LIMIT_MS = 10_000;

/** What was answered is on the disks of a majority. */
const DURABLE = { w: "majority", journal: true, wtimeoutMS: 10_000 } as const;

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
  new AppError(`Cannot use MONGODB_URI: ${withoutCredentials(message)}; expected mongodb://HOST:PORT`, {
    code: "unavailable",
  });

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

/** Connects with the first call. @throws AppError `unavailable` when the address cannot be used at all */
export function openLink(options: LinkOptions): Link {
  const client = createClient(options);
  const hosts = client.options.srvHost ?? client.options.hosts.map(String).join(",");
  const place = `mongodb://${hosts}/${options.database}`;
  return {
    db: client.db(options.database),
    place,
    async call(work, { signal, limitMs = CALL_LIMIT_MS } = {}) {
      signal?.throwIfAborted();
      // The driver may wait for ever on a connection that is closed just as a call begins to use it (seen on Bun), and
      // keeps it then: only a signal makes it let go.
      const controller = new AbortController();
      const late = new AppError(`Cannot use the store ${place}: no answer within ${limitMs} ms`, {
        code: "unavailable",
      });
      const timer = setTimeout(() => controller.abort(late), limitMs);
      const leave = () => controller.abort(signal?.reason);
      signal?.addEventListener("abort", leave, { once: true });
      try {
        return await work(controller.signal);
      } catch (error) {
        throw storeError(place, error);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", leave);
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
