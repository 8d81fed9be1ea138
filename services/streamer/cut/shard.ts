/** Which shard a host belongs to: the same on every machine, whatever the order in which hosts appear. */

/** From 0 to `shards` - 1. FNV-1a over the name's code units, then mixed so that the low bits depend on all of it. */
export function shardOf(host: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < host.length; index++) hash = Math.imul(hash ^ host.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % shards;
}
