/** FNV-1a, the hash that assigns names to shards, channels and partitions. */

/**
 * Returns a signed 32-bit hash over the UTF-16 code units of `text`. For Latin-1 text, those equal its bytes. The low
 * bits depend little on the first characters, so a caller that takes a remainder must mix the result first.
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
