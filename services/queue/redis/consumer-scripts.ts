/** Scripts of the consumers' side: hand-overs and what becomes of them. Lists of ids and hand-overs are JSON. */
import type { RedisScript } from "../../platform/redis/connections.ts";
import { type ScriptSettings, scriptOf } from "./script-parts.ts";

/** Looks at the head of the line per script; beyond that the caller asks again. */
const ROUNDS = 20;
/** Looked at together while bodies have to be measured. */
const MEASURED = 50;

/**
 * ARGV: max, maxBytes, leaseMs, 1 when the caller has some already and nothing may be too large, places in the call (000
 * 001 … as one text: to write fractions of numbers takes Redis longer than all else). Reply: 1 when it must be asked again, else 0; how many ids are left; milliseconds until
 * something ends, -1 for never, where nothing was handed out; the ids with commas between; entries; marks, where any.
 */
const claimScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "claim",
    settings,
    `
if settle() then return { 1 } end
local max, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local ids, entries, bytes, skipped, done = {}, {}, 0, 0, false
local more, measure = ARGV[4] == '1', max * sum('largest') > maxBytes

local function take(id, entry)
  if not entry then
    skipped = skipped + 1
    return false
  end
  ids[#ids + 1] = id
  entries[#entries + 1] = entry
  return true
end

for round = 1, ${ROUNDS} do
  local line = call('LPOP', ready, measure and ${MEASURED} or max - #ids)
  if not line then break end
  if measure then
    for i, id in ipairs(line) do
      local size = sizeOf(id)
      local full = #ids == max
        or ((#ids > 0 or more) and bytes + size > maxBytes and call('HEXISTS', bodies, id) == 1)
      if full then
        local rest = {}
        for k = #line, i, -1 do rest[#rest + 1] = line[k] end
        call('LPUSH', ready, unpack(rest))
        done = true
        break
      end
      if take(id, call('HGET', bodies, id)) then bytes = bytes + size end
    end
  else
    local found = call('HMGET', bodies, unpack(line))
    local whole = #ids == 0
    for i = 1, #line do
      if not found[i] then whole = false end
    end
    if whole then
      ids, entries = line, found
    else
      for i = 1, #line do take(line[i], found[i]) end
    end
    done = #ids == max
    -- What was acknowledged in the line may go on: look at more at once.
    measure = skipped > 0
    for i = 1, measure and #ids or 0 do bytes = bytes + sizeOf(ids[i]) end
  end
  if done then break end
end
if skipped > 0 then call('HSET', sums, 'skips', math.max(0, sum('skips') - skipped)) end
local left = call('LLEN', ready)

if #ids == 0 then
  if done then return { 0, left, -1, '', {} } end
  if left > 0 then return { 1 } end
  call('DEL', wake)
  call('HDEL', sums, 'skips')
  if call('HLEN', bodies) == 0 then call('HDEL', sums, 'largest') end
  local dueIn = -1
  for _, key in ipairs({ leases, delays }) do
    local first = tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
    if first and (dueIn < 0 or first - now < dueIn) then dueIn = math.max(0, math.floor(first) - now) end
  end
  return { 0, 0, dueIn, '', {} }
end

local scores, sub, places = {}, string.sub, ARGV[5]
local till = string.format('%.0f.', now + tonumber(ARGV[3]))
for i = 1, #ids do
  scores[2 * i - 1] = till .. sub(places, 3 * i - 2, 3 * i)
  scores[2 * i] = ids[i]
end
if call('ZADD', leases, 'NX', unpack(scores)) < #ids then
  -- Listed twice, which only a repair can do: it stays with whom it was leased to first.
  local tills, mine, body = call('ZMSCORE', leases, unpack(ids)), {}, {}
  for i = 1, #ids do
    if tonumber(tills[i]) == tonumber(scores[2 * i - 1]) then
      mine[#mine + 1] = ids[i]
      body[#body + 1] = entries[i]
    end
  end
  ids, entries = mine, body
  if #ids == 0 then return { 1 } end
end
count('claimed', #ids)
if left > 0 then ring() end

local known = marksOf(ids)
local back = {}
for i = 1, #known do
  if known[i] then back[#back + 1] = ids[i] end
end
if #back == 0 then return { 0, left, -1, table.concat(ids, ','), entries } end
call('ZREM', returned, unpack(back))
return { 0, left, -1, table.concat(ids, ','), entries, known }
`,
  );

/** ARGV: ids, bytes of their bodies together. Reply: 1 when all were there, else a list of 1 and 0. */
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
-- Those that were ready leave their ids behind.
count('skips', acked - leased - elsewhere)
return answers
`,
  );

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

/** ARGV: ids, hand-overs, kind, delayMs, reason. Reply: a list of 1 and 0. */
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
      call('ZADD', returned, publishedAt(id), id)
      head[#head + 1] = id
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

/** ARGV: ids, hand-overs, leaseMs. Reply: a list of 1 and 0. */
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
  claim: claimScript(settings),
  ack: ackScript(settings),
  nack: nackScript(settings),
  extend: extendScript(settings),
});
