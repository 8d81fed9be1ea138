/** Answers that many dashboards ask for at once, kept for a moment: one of them is made, the others are copies. */
import { LRUCache } from "lru-cache";
import type { Clock } from "../../platform/process/clock.ts";
import type { Representation } from "./representation.ts";

/** Below what a person notices, and below the way of a reading from file to watcher. */
const ANSWER_AGE_MS = 100;
const MAX_BYTES = 8_000_000;
const MAX_ANSWERS = 100;

type Answer = Representation | Response;
/** @param left aborts when nobody waits for the answer any more */
type Make = (left: AbortSignal) => Promise<Answer>;

interface Making {
  readonly answer: Promise<Answer>;
  readonly startedAt: number;
  readonly stop: AbortController;
  waiting: number;
}

/** Makes the answer, or gives the same one that was asked for at most `ANSWER_AGE_MS` ago. Failures are not kept. */
export type Recent = (key: string, make: Make, left: AbortSignal) => Promise<Answer>;

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
  const makings = new Map<string, Making>();
  const forget = (key: string, making: Making): void => {
    if (makings.get(key) === making) makings.delete(key);
  };

  function start(key: string, make: Make): Making {
    const stop = new AbortController();
    const startedAt = clock.monotonic();
    const making: Making = { answer: make(stop.signal), startedAt, stop, waiting: 0 };
    makings.set(key, making);
    const end = () => forget(key, making);
    making.answer.then((made) => {
      end();
      // As old as the question, not as the answer: a slow store does not make it younger.
      const ttl = ANSWER_AGE_MS - (clock.monotonic() - startedAt);
      if (!(made instanceof Response) && ttl > 0) kept.set(key, made, { ttl });
    }, end);
    return making;
  }

  return async (key, make, left) => {
    const answer = kept.get(key);
    if (answer !== undefined) return answer;
    const running = makings.get(key);
    const isRecent = running !== undefined && clock.monotonic() - running.startedAt < ANSWER_AGE_MS;
    const making = isRecent ? running : start(key, make);
    making.waiting++;
    const leave = () => {
      if (--making.waiting > 0) return;
      forget(key, making);
      making.stop.abort();
    };
    left.addEventListener("abort", leave, { once: true });
    try {
      const made = await making.answer;
      return made instanceof Response ? made.clone() : made;
    } finally {
      left.removeEventListener("abort", leave);
    }
  };
}
