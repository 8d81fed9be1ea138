/** Pseudo-random numbers: the same for the same seed, on every runtime. */

/** A number in [0, 1). */
export type Random = () => number;

/** Mulberry32: 32 bits of state, integer arithmetic only. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Maps a 32-bit number to a pseudo-random 32-bit number. */
const scramble = (value: number): number => createRandom(value)() * 4294967296;

/** Creates an independent stream for a simulated object, so that adding an object does not change the others. */
export function createStream(seed: number, ...path: readonly number[]): Random {
  let state = scramble(seed);
  for (const part of path) state = scramble((state + part) >>> 0);
  return createRandom(state);
}

/** Returns eight hexadecimal digits, which are different for each `place` below 2^32 of one seed. */
export const serialNumber = (seed: number, place: number): string =>
  ((Math.imul(place + 1, 0x9e3779b1) ^ scramble(seed)) >>> 0).toString(16).padStart(8, "0");

export const between = (random: Random, low: number, high: number): number => low + (high - low) * random();

export const wholeBetween = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

/** Returns letters and digits as in the suffixes of Kubernetes pod names: lower case, no vowels, and no 0, 1 or 3. */
export const podSuffix = (random: Random, length: number): string =>
  pick(random, "bcdfghjklmnpqrstvwxz2456789", length);

export const hex = (random: Random, length: number): string => pick(random, "0123456789abcdef", length);

function pick(random: Random, alphabet: string, length: number): string {
  let text = "";
  while (text.length < length) text += alphabet[Math.floor(random() * alphabet.length)];
  return text;
}
