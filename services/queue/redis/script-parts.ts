/**
 * What the scripts of a partition share, in Lua. One script is one step: Redis runs nothing beside it, and its log has
 * all of it or nothing. All keys of a partition carry one hash tag, so that a cluster keeps them together.
 *
 * | key | type | content |
 * |---|---|---|
 * | ready | list | ids; an id without a body is one that was acknowledged meanwhile, and is skipped |
 * | wake | list | one token while something is ready that nobody has looked for |
 * | bodies | hash | id → header and body of all that are ready, leased, delayed or dead |
 * | leases, delays | sorted set | id → when it ends, ms of Redis, with the place in the call as a fraction |
 * | marks | hash | id → returns:handovers, of what came back at least once |
 * | returned | sorted set | id → publication, of those in `ready` that have a mark |
 * | dead | sorted set | id → order of death |
 * | notes | hash | id → attempts:handovers:time:reason of the dead |
 * | sums | hash | counters, and what is kept of bytes, orders and serial numbers |
 * | producer | string | epoch:seq:position |
 */
import { type RedisScript, redisScript } from "../../platform/redis/connections.ts";
import { EXPIRED_REASON } from "../port.ts";

/** Bounds of one partition; all clients of a queue use the same. */
export interface ScriptSettings {
  readonly maxBytes: number;
  readonly maxBatches: number;
  readonly maxDeadBytes: number;
  readonly maxDeliveries: number;
}

/** In the order of KEYS. */
export const PARTITION_KEYS = [
  "ready",
  "wake",
  "bodies",
  "leases",
  "delays",
  "marks",
  "returned",
  "dead",
  "notes",
  "sums",
] as const;

/** Before every key of a partition; the braces keep them on one node of a cluster. */
export const partitionPrefix = (partition: number): string => `q:{telemetry:${partition}}:`;

/** Lua for the milliseconds since the epoch, by the clock of Redis. */
export const REDIS_TIME =
  "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";

/** Leases, and delays, that one script ends at most; whoever must see all of them ended asks again. */
const SETTLE_LIMIT = 500;

/**
 * What frees memory must run when there is none left: such scripts are allowed to. Publishing is not, and Redis refuses
 * it before it begins.
 */
export const headerOf = ({ allowOutOfMemory }: { allowOutOfMemory: boolean }): string =>
  allowOutOfMemory ? "#!lua flags=allow-oom" : "#!lua";

/**
 * Ids: 11 hexadecimal digits of the time, the serial number of the call, two digits of the place in it, five of the
 * body's size (both of base 36).
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

/** Marks and what comes back; `settle` ends what time has ended and says whether there is more. */
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

-- Its lease is over, by time or by the consumer, with one attempt used.
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

/** A script that may run when memory is full, as all may but those that publish. */
export const scriptOf = (name: string, settings: ScriptSettings, body: string): RedisScript =>
  redisScript(
    name,
    `${headerOf({ allowOutOfMemory: true })}
${commonPart}
${returnsPart(settings)}
${body}
`,
  );
