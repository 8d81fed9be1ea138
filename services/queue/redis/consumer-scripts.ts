/** Scripts for a consumer that holds deliveries: ack, nack, extend. KEYS as in `script-parts.ts`. */
import type { RedisScript } from "../../platform/redis/connections.ts";
import { type ScriptSettings, scriptOf } from "./script-parts.ts";

/**
 * ARGV:
 * 1. ids, a JSON list
 * 2. total size of their bodies, in bytes
 *
 * Result: 1 if every batch was leased and is now removed; otherwise a list with 1 per removed batch and 0 per other id
 */
const ackScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "ack",
    settings,
    `
settle()
local ids = cjson.decode(ARGV[1])
local leased = call('ZREM', leases, unpack(ids))
if leased == #ids then
  call('HDEL', bodies, unpack(ids))
  if call('HLEN', marks) > 0 then call('HDEL', marks, unpack(ids)) end
  count('acked', #ids)
  count('bytes', -tonumber(ARGV[2]))
  return 1
end
local answers, acked, bytes, elsewhere = {}, 0, 0, 0
for i, id in ipairs(ids) do
  answers[i] = 0
  if call('HEXISTS', bodies, id) == 1 and not call('ZSCORE', dead, id) then
    call('HDEL', bodies, id)
    call('HDEL', marks, id)
    call('ZREM', returned, id)
    elsewhere = elsewhere + call('ZREM', delays, id)
    acked = acked + 1
    bytes = bytes + sizeOf(id)
    answers[i] = 1
  end
end
count('acked', acked)
count('bytes', -bytes)
-- The ids of batches that were ready stay in the list: claims skip them.
count('skips', acked - leased - elsewhere)
return answers
`,
  );

/** `held(i)` returns the mark of the i-th id if the caller still holds that delivery, otherwise nil. */
const heldPart = `
local ids, handed = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])
local ends, known = call('ZMSCORE', leases, unpack(ids)), marksOf(ids)
local seen = {}
local function held(i)
  local returns, handovers = readMark(known[i])
  local till = tonumber(ends[i] or nil)
  if seen[ids[i]] or not till or till < now + 1 or handovers ~= handed[i] then return nil end
  return returns, handovers
end
`;

/**
 * ARGV:
 * 1. ids, a JSON list
 * 2. number of each delivery (`handover` of its receipt), a JSON list
 * 3. kind: `retry`, `reject` or `release`
 * 4. delayMs of a retry or release; 0 for a reject
 * 5. reason of a retry or reject; empty for a release
 *
 * Result: a list with 1 per returned batch and 0 per stale receipt
 */
const nackScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "nack",
    settings,
    `
settle()
${heldPart}
local kind, delayMs, reason = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local answers, given, head = {}, {}, {}
for i, id in ipairs(ids) do
  local returns, handovers = held(i)
  answers[i] = returns and 1 or 0
  if returns then
    seen[id] = true
    given[#given + 1] = id
    if kind == 'release' then
      mark(id, returns, handovers + 1)
      if delayMs > 0 then
        call('ZADD', delays, now + delayMs + i / 1024, id)
      else
        call('ZADD', returned, publishedAt(id), id)
        head[#head + 1] = id
      end
    elseif kind == 'reject' then
      bury(id, reason, returns + 1, handovers)
    else
      comeBack(id, returns, handovers, delayMs > 0 and now + delayMs + i / 1024, reason)
    end
  end
end
if #given > 0 then call('ZREM', leases, unpack(given)) end
count(kind == 'release' and 'released' or 'nacked', #given)
if #head > 0 then
  local reversed = {}
  for i = #head, 1, -1 do reversed[#reversed + 1] = head[i] end
  call('LPUSH', ready, unpack(reversed))
  ring()
end
joinTail()
return answers
`,
  );

/**
 * ARGV:
 * 1. ids, a JSON list
 * 2. number of each delivery (`handover` of its receipt), a JSON list
 * 3. leaseMs, from now
 *
 * Result: a list with 1 per renewed lease and 0 per stale receipt
 */
const extendScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "extend",
    settings,
    `
settle()
${heldPart}
local till = now + tonumber(ARGV[3])
local answers, scores = {}, {}
for i, id in ipairs(ids) do
  local returns = held(i)
  answers[i] = returns and 1 or 0
  if returns then
    scores[#scores + 1] = till + i / 1024
    scores[#scores + 1] = id
  end
end
if #scores > 0 then call('ZADD', leases, 'XX', unpack(scores)) end
return answers
`,
  );

export const consumerScripts = (settings: ScriptSettings) => ({
  ack: ackScript(settings),
  nack: nackScript(settings),
  extend: extendScript(settings),
});
