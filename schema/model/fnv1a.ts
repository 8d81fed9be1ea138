/** FNV-1a, the hash that assigns names to shards, channels, partitions and moments. */

/**
 * Returns a signed 32-bit hash over the UTF-16 code units of `text`. For Latin-1 text, those equal its bytes. The low
 * bits depend little on the first characters, so a caller that takes a remainder must mix the result first.
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

/** Returns FNV-1a with its bits mixed (MurmurHash3's finalizer), unsigned: each bit depends on the whole text. */
export function mixedHash(text: string): number {
  let hash = fnv1a(text);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
