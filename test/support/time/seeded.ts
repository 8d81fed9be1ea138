/** Random numbers that a failed test can have again: the seed is printed, `TEST_SEED` sets it. */

/** Uniform in [0, 1). */
export type Random = () => number;

/** mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function seeded(name: string): Random {
  const seed = process.env.TEST_SEED === undefined ? Date.now() >>> 0 : Number(process.env.TEST_SEED);
  console.log(`${name}: TEST_SEED=${seed}`);
  return randomOf(seed);
}
