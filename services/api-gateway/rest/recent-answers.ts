/** Shares one answer among clients that send the same request at about the same time, such as many open dashboards. */
import { LRUCache } from "lru-cache";
import type { Clock } from "../../platform/process/clock.ts";
import type { Representation } from "./representation.ts";

/** How old a shared answer may be: too short to notice, and less than a reading takes from file to subscriber. */
const ANSWER_AGE_MS = 100;
const MAX_BYTES = 8_000_000;
const MAX_ANSWERS = 100;

type Answer = Representation | Response;
/** @param signal aborts when no client waits for the answer */
type Make = (signal: AbortSignal) => Promise<Answer>;

/** An answer that has been requested from the subgraph and has not arrived. */
interface InFlight {
  readonly answer: Promise<Answer>;
  readonly startedAt: number;
  readonly stop: AbortController;
  /** Number of clients that wait for the answer. */
  waiting: number;
}

/**
 * Returns an answer that was requested less than `ANSWER_AGE_MS` ago, finished or in flight; otherwise makes a new one.
 * Failures are shared only while they are in flight.
 * @param key identifies the request: equal requests have equal keys
 * @param signal aborts when this client leaves
 */
export type Recent = (key: string, make: Make, signal: AbortSignal) => Promise<Answer>;

export function keepRecent(clock: Clock): Recent {
  const kept = new LRUCache<string, Representation>({
    max: MAX_ANSWERS,
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_BYTES,
    sizeCalculation: ({ bytes }, key) => bytes.length + key.length + 1,
    ttl: ANSWER_AGE_MS,
    ttlResolution: 0,
    perf: { now: () => clock.monotonic() },
  });
  const inFlight = new Map<string, InFlight>();
  const remove = (key: string, shared: InFlight): void => {
    if (inFlight.get(key) === shared) inFlight.delete(key);
  };

  function start(key: string, make: Make): InFlight {
    const stop = new AbortController();
    const startedAt = clock.monotonic();
    const shared: InFlight = { answer: make(stop.signal), startedAt, stop, waiting: 0 };
    inFlight.set(key, shared);
    const end = () => remove(key, shared);
    shared.answer.then((answer) => {
      end();
      // The age of an answer counts from its request, because the store may have read its data right at the start.
      const ttl = ANSWER_AGE_MS - (clock.monotonic() - startedAt);
      if (!(answer instanceof Response) && ttl > 0) kept.set(key, answer, { ttl });
    }, end);
    return shared;
  }

  return async (key, make, signal) => {
    const recent = kept.get(key);
    if (recent !== undefined) return recent;
    const running = inFlight.get(key);
    const isRecent = running !== undefined && clock.monotonic() - running.startedAt < ANSWER_AGE_MS;
    const shared = isRecent ? running : start(key, make);
    shared.waiting++;
    const leave = () => {
      if (--shared.waiting > 0) return;
      remove(key, shared);
      shared.stop.abort();
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      const answer = await shared.answer;
      return answer instanceof Response ? answer.clone() : answer;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  };
}
