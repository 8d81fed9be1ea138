/** Shares answers among clients that ask the same question within a moment, such as many open dashboards. */
import { LRUCache } from "lru-cache";
import type { Clock } from "../../platform/process/clock.ts";
import type { Representation } from "./representation.ts";

/** Too short for a person to notice, and less than a reading takes from file to subscriber. */
const ANSWER_AGE_MS = 100;
const MAX_BYTES = 8_000_000;
const MAX_ANSWERS = 100;

type Answer = Representation | Response;
/** @param signal aborts when no client waits for the answer */
type Make = (signal: AbortSignal) => Promise<Answer>;

/** An answer that is being made. */
interface InFlight {
  readonly answer: Promise<Answer>;
  readonly startedAt: number;
  readonly stop: AbortController;
  /** Clients that wait for it. */
  waiting: number;
}

/**
 * Makes the answer to a question, or shares one that was asked for at most `ANSWER_AGE_MS` ago, finished or in flight.
 * Failures are shared while they are in flight, and not kept.
 * @param key equal for equal questions
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
      // An answer ages from its question on: a slow store does not make it fresher.
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
