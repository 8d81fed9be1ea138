/** Answers that many dashboards ask for at once, kept for a moment: one of them is made, the others are copies. */
import { LRUCache } from "lru-cache";

/** Below what a person notices, and below the way of a reading from file to watcher. */
const ANSWER_AGE_MS = 100;
const MAX_CHARACTERS = 8_000_000;
const MAX_ANSWERS = 100;

/** Makes the answer, or gives the same one of at most `ANSWER_AGE_MS` ago. Only successes are kept. */
export type Recent = (key: string, make: () => Promise<Response>) => Promise<Response>;

export function keepRecent(): Recent {
  const kept = new LRUCache<string, string>({
    max: MAX_ANSWERS,
    maxSize: MAX_CHARACTERS,
    maxEntrySize: MAX_CHARACTERS,
    sizeCalculation: (body, key) => body.length + key.length + 1,
    ttl: ANSWER_AGE_MS,
    ttlResolution: 0,
  });
  const answer = (body: string) => new Response(body, { headers: { "content-type": "application/json" } });
  return async (key, make) => {
    const body = kept.get(key);
    if (body !== undefined) return answer(body);
    const startedAt = performance.now();
    const response = await make();
    if (response.status !== 200) return response;
    const made = await response.text();
    // As old as the question, not as the answer: a slow store does not make it younger.
    const ttl = ANSWER_AGE_MS - (performance.now() - startedAt);
    if (ttl > 0) kept.set(key, made, { ttl });
    return answer(made);
  };
}
