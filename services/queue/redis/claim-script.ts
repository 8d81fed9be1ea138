/** The script that leases batches to a consumer. KEYS as in `script-parts.ts`. */
import type { RedisScript } from "../../platform/redis/connections.ts";
import { type ScriptSettings, scriptOf } from "./script-parts.ts";

/** How many times one script pops from `ready`. If that is not enough, the caller runs the script again. */
const ROUNDS = 20;
/** How many ids the script pops at a time if it has to measure bodies. */
const MEASURED = 50;

/**
 * ARGV:
 * 1. max: number of deliveries, 1 to 1,000
 * 2. maxBytes: bound on the bodies together
 * 3. leaseMs
 * 4. 1 if the caller has deliveries from another partition, so that even the first body must fit maxBytes; otherwise 0
 * 5. the fractions of `max` lease ends, 3 digits each: 000001002… They order leases that end in the same millisecond.
 *    They come as one text, because formatting each number would take Redis longer than the rest of the script.
 *
 * Result:
 * 1. 1: run the script again (nothing else follows); 0: done
 * 2. ids left in `ready`
 * 3. milliseconds until the next lease or delay ends; -1 if there is none, or if any batch was ready
 * 4. ids, joined by commas
 * 5. entries (`entry.ts`), a list
 * 6. marks, a list with null for a batch without a mark; absent if no batch has a mark
 */
export const claimScript = (settings: ScriptSettings): RedisScript =>
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
    -- Ids of acknowledged batches often come in runs: pop more ids at once from here on.
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
  -- Only a repair can list an id twice. The batch stays with the consumer that leased it first.
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
