/** Answers that many dashboards ask for at once, kept for a moment: one of them is made, the others are copies. */
import { LRUCache } from "lru-cache";
import type { Representation } from "./representation.ts";

/** Below what a person notices, and below the way of a reading from file to watcher. */
const ANSWER_AGE_MS = 100;
const MAX_BYTES = 8_000_000;
const MAX_ANSWERS = 100;

type Answer = Representation | Response;

/** Makes the answer, or gives the same one of at most `ANSWER_AGE_MS` ago. Only successes are kept. */
export type Recent = (key: string, make: () => Promise<Answer>) => Promise<Answer>;

export function keepRecent(): Recent {
  const kept = new LRUCache<string, Representation>({
    max: MAX_ANSWERS,
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_BYTES,
    sizeCalculation: ({ bytes }, key) => bytes.length + key.length + 1,
    ttl: ANSWER_AGE_MS,
    ttlResolution: 0,
  });
  return async (key, make) => {
    const answer = kept.get(key);
    if (answer !== undefined) return answer;
    const startedAt = performance.now();
    const made = await make();
    if (made instanceof Response) return made;
    // As old as the question, not as the answer: a slow store does not make it younger.
    const ttl = ANSWER_AGE_MS - (performance.now() - startedAt);
    if (ttl > 0) kept.set(key, made, { ttl });
    return made;
  };
}
