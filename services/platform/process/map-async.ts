/** Maps an async iterator to one that ends at once when its reader stops. */

const DONE = { done: true, value: undefined } as const;

/**
 * Yields `map(item)` for each item of `source`. `return()` calls the `return()` of the source at once. That of a
 * generator would first wait for a pending `next()`, and the source may be silent for a long time.
 * @param onEnd called when the source ends or fails, and on `return()`; it may be called more than once
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
