/** A mapped async iterator that ends at once when its reader leaves. */

const DONE = { done: true, value: undefined } as const;

/**
 * Yields `map(item)` for each item of `source`. Unlike that of a generator, `return()` does not wait for a `next()`
 * that is under way: it goes straight to the source, which may be silent for a long time.
 * @param onEnd called when the source ends or fails, and on `return()`: once or more
 */
export function mapAsync<From, To>(
  source: AsyncIterator<From, unknown>,
  map: (item: From) => To,
  onEnd: () => void = () => {},
): AsyncIterableIterator<To> {
  const mapped: AsyncIterableIterator<To> = {
    async next() {
      try {
        const result = await source.next();
        if (!result.done) return { done: false, value: map(result.value) };
      } catch (error) {
        onEnd();
        throw error;
      }
      onEnd();
      return DONE;
    },
    async return() {
      onEnd();
      await source.return?.();
      return DONE;
    },
    [Symbol.asyncIterator]: () => mapped,
  };
  return mapped;
}
