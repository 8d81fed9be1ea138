/** Reads the figures of a partition from the result of its script, and adds the figures of several partitions. */
import type { RedisReply } from "../../platform/redis/connections.ts";
import { QUEUE_COUNTERS, type QueueCounter, type QueueStats } from "../port.ts";

type Counters = Record<QueueCounter, number>;

export function statsOf(reply: readonly RedisReply[]): QueueStats {
  const [ready = 0, leased = 0, delayed = 0, dead = 0, bodies = 0, oldest = 0, now = 0] = reply.slice(0, 7).map(Number);
  const names = (reply[7] as readonly Buffer[]).map(String);
  const sums = new Map(names.flatMap((name, index) => (index % 2 === 0 ? [[name, Number(names[index + 1])]] : [])));
  return {
    ready,
    leased,
    delayed,
    dead,
    bytes: sums.get("bytes") ?? 0,
    oldestAgeMs: oldest < 0 ? 0 : Math.max(0, now - oldest),
    orphans: Math.max(0, bodies - ready - leased - delayed - dead),
    counters: Object.fromEntries(QUEUE_COUNTERS.map((name) => [name, sums.get(name) ?? 0])) as Counters,
  };
}

export const addStats = (a: QueueStats, b: QueueStats): QueueStats => ({
  ready: a.ready + b.ready,
  leased: a.leased + b.leased,
  delayed: a.delayed + b.delayed,
  dead: a.dead + b.dead,
  bytes: a.bytes + b.bytes,
  oldestAgeMs: Math.max(a.oldestAgeMs, b.oldestAgeMs),
  orphans: a.orphans + b.orphans,
  counters: Object.fromEntries(QUEUE_COUNTERS.map((name) => [name, a.counters[name] + b.counters[name]])) as Counters,
});
