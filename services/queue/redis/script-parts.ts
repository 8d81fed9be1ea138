/**
 * Lua parts that the scripts of a partition share. Redis runs one script at a time, and its append-only file holds all
 * of a script's writes or none, so each script is one atomic step. All keys of a partition carry one hash tag, so that
 * a cluster keeps them on one node. `../PROTOCOL.md` describes the keys.
 *
 * KEYS of every script: the keys of `PARTITION_KEYS` in that order. Scripts of producers get one more: the producer's
 * key, which is `producer` in Lua.
 */
import { type RedisScript, redisScript } from "../../platform/redis/connections.ts";
import { EXPIRED_REASON } from "../port.ts";

/** Bounds of one partition. All clients of a queue must use the same bounds. */
export interface ScriptSettings {
  /** Bound on the bytes of ready, leased and delayed bodies together. */
  readonly maxBytes: number;
  /** Bound on the number of ready, leased and delayed batches together. */
  readonly maxBatches: number;
  /** Bound on the bytes of dead letters' bodies together. */
  readonly maxDeadBytes: number;
  /** Attempts before a batch becomes a dead letter. */
  readonly maxDeliveries: number;
}

/** Names of a partition's keys, in the order of KEYS. */
export const PARTITION_KEYS = [
  "ready", // list: ids in the order of delivery; an id without a body was acknowledged meanwhile
  "wake", // list: one token while ready batches wait to be noticed
  "bodies", // hash: id → entry (entry.ts) of every batch
  "leases", // sorted set: id → end of the lease, ms
  "delays", // sorted set: id → end of the delay, ms
  "marks", // hash: id → returns:handovers, of batches that were returned at least once
  "returned", // sorted set: id → when it was published, of ready batches with a mark
  "dead", // sorted set: id → order of death
  "notes", // hash: id → returns:handovers:diedAt:reason of dead letters
  "sums", // hash: counters, bytes, serial numbers
] as const;

/** Begins every key of a partition. The part in braces is the hash tag. */
export const partitionPrefix = (partition: number): string => `q:{telemetry:${partition}}:`;

/** Lua expression: milliseconds since the epoch, by the clock of Redis. */
export const REDIS_TIME =
  "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";

/**
 * How many leases one script ends at most, and how many delays. If a script leaves some, its caller must run it again.
 */
const SETTLE_LIMIT = 500;

/**
 * The first line of a script. Scripts that free memory must run even if Redis has no memory left, so they set the flag
 * `allow-oom`. The publish script does not set it, so Redis refuses that script before it begins.
 */
export const headerOf = ({ allowOutOfMemory }: { allowOutOfMemory: boolean }): string =>
  allowOutOfMemory ? "#!lua flags=allow-oom" : "#!lua";

/**
 * Declares the keys, the time, and helpers. The id of a batch contains its time and size:
 *
 * - 11 hexadecimal digits: when it was published, in milliseconds since the epoch
 * - 1 or more hexadecimal digits: serial number of the publish call
 * - 2 digits of base 36: place of the batch in its call
 * - 5 digits of base 36: size of the body in bytes
 */
export const commonPart = `
local call = redis.call
local ${PARTITION_KEYS.join(", ")}, producer = unpack(KEYS)
local now = ${REDIS_TIME}

local function count(name, by)
  if by ~= 0 then call('HINCRBY', sums, name, by) end
end

local function sum(name)
  return tonumber(call('HGET', sums, name) or 0)
end

local function sizeOf(id)
  return tonumber(string.sub(id, -5), 36)
end

local function publishedAt(id)
  return tonumber(string.sub(id, 1, 11), 16)
end

local function ring()
  if call('EXISTS', wake) == 0 then call('RPUSH', wake, 1) end
end
`;

/**
 * Reads and writes marks, and returns batches to the queue.
 *
 * The mark of a batch that has been returned at least once counts the attempts used (`returns`) and the deliveries that
 * are over (`handovers`). `settle()` ends leases and delays whose time is over, and returns true if it left some of
 * them. All scripts but `open`, `repair` and `ring` call it first. `goToTail()` collects ids; `joinTail()` appends them
 * to `ready`.
 */
export const returnsPart = ({ maxDeliveries, maxDeadBytes }: ScriptSettings): string => `
local function marksOf(ids)
  if #ids == 0 or call('HLEN', marks) == 0 then return {} end
  return call('HMGET', marks, unpack(ids))
end

local function readMark(mark)
  if not mark then return 0, 0 end
  local returns, handovers = string.match(mark, '^(%d+):(%d+)$')
  return tonumber(returns), tonumber(handovers)
end

local function mark(id, returns, handovers)
  call('HSET', marks, id, returns .. ':' .. handovers)
end

local tail = {}
local function goToTail(id)
  tail[#tail + 1] = id
  call('ZADD', returned, publishedAt(id), id)
end

local function joinTail()
  if #tail == 0 then return end
  call('RPUSH', ready, unpack(tail))
  tail = {}
  ring()
end

local function dropLetter(id)
  call('ZREM', dead, id)
  call('HDEL', notes, id)
  call('HDEL', bodies, id)
end

local function bury(id, reason, attempts, handovers)
  call('HDEL', marks, id)
  local order = math.max(sum('order') + 1, now * 10)
  call('HSET', sums, 'order', order)
  call('ZADD', dead, order, id)
  call('HSET', notes, id, string.format('%d:%d:%.0f:', attempts, handovers, now) .. reason)
  count('dead', 1)
  count('bytes', -sizeOf(id))
  local bytes = call('HINCRBY', sums, 'deadBytes', sizeOf(id))
  while bytes > ${maxDeadBytes} do
    local oldest = call('ZRANGE', dead, 0, 0)[1]
    if oldest == id then return end
    dropLetter(oldest)
    count('purged', 1)
    bytes = bytes - sizeOf(oldest)
    call('HSET', sums, 'deadBytes', bytes)
  end
end

-- Returns a batch whose lease is over, by time or by the consumer, with one attempt used.
local function comeBack(id, returns, handovers, delayedUntil, reason)
  returns = returns + 1
  if returns >= ${maxDeliveries} then
    bury(id, reason, returns, handovers)
    return
  end
  mark(id, returns, handovers + 1)
  if delayedUntil then call('ZADD', delays, delayedUntil, id) else goToTail(id) end
end

local function endedIn(key)
  local before = string.format('(%.0f', now + 1)
  return call('ZRANGE', key, '-inf', before, 'BYSCORE', 'LIMIT', 0, ${SETTLE_LIMIT}, 'WITHSCORES')
end

local function settle()
  local leased, delayed = endedIn(leases), endedIn(delays)
  if #leased == 0 and #delayed == 0 then return false end
  local ids, expired, due = {}, {}, {}
  for i = 1, #leased, 2 do ids[#ids + 1] = leased[i] end
  local known = marksOf(ids)
  local i, j = 1, 1
  local leasesCut, delaysCut = #leased == ${2 * SETTLE_LIMIT}, #delayed == ${2 * SETTLE_LIMIT}
  while i <= #leased or j <= #delayed do
    local lease, delay = tonumber(leased[i + 1]), tonumber(delayed[j + 1])
    if (not lease and leasesCut) or (not delay and delaysCut) then break end
    if lease and (not delay or lease <= delay) then
      expired[#expired + 1] = leased[i]
      local returns, handovers = readMark(known[#expired])
      comeBack(leased[i], returns, handovers, nil, '${EXPIRED_REASON}')
      i = i + 2
    else
      due[#due + 1] = delayed[j]
      goToTail(delayed[j])
      j = j + 2
    end
  end
  if #expired > 0 then call('ZREM', leases, unpack(expired)) end
  if #due > 0 then call('ZREM', delays, unpack(due)) end
  count('expired', #expired)
  joinTail()
  return leasesCut or delaysCut
end
`;

/** Returns a script that has all parts and may run even if Redis has no memory left. */
export const scriptOf = (name: string, settings: ScriptSettings, body: string): RedisScript =>
  redisScript(
    name,
    `${headerOf({ allowOutOfMemory: true })}
${commonPart}
${returnsPart(settings)}
${body}
`,
  );
