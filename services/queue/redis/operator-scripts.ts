/**
 * Scripts for operators: figures, dead letters, repair. KEYS as in `script-parts.ts`. If the first element of a result
 * is 1, the result has no other element, and the caller runs the script again.
 */
import { type RedisScript, redisScript } from "../../platform/redis/connections.ts";
import { commonPart, headerOf, type ScriptSettings, scriptOf } from "./script-parts.ts";

/** How many dead letters one script moves or deletes if the caller names none. */
const LETTERS = 500;
/** How many pages of 100 ids `stats` searches for the first ready batch that was never returned. */
const LOOKS = 100;

/**
 * ARGV: none
 *
 * Result:
 * 1. 1: run the script again; 0: done
 * 2. ready batches
 * 3. leased batches
 * 4. delayed batches
 * 5. dead letters
 * 6. number of batches and dead letters that have a body
 * 7. when the oldest ready batch was published, in milliseconds since the epoch; -1 for none
 * 8. now, in milliseconds since the epoch
 * 9. names and values of `sums`, in turn
 */
const statsScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "stats",
    settings,
    `
if settle() then return { 1 } end
local inLine, cameBack = math.max(0, call('LLEN', ready) - sum('skips')), call('ZCARD', returned)
local oldest = tonumber(call('ZRANGE', returned, 0, 0, 'WITHSCORES')[2] or -1)
local function older(id)
  local at = publishedAt(id)
  if oldest < 0 or at < oldest then oldest = at end
end
local found = inLine <= cameBack
for look = 0, ${LOOKS - 1} do
  if found then break end
  local line = call('LRANGE', ready, look * 100, look * 100 + 99)
  if #line == 0 then break end
  local known = marksOf(line)
  for i, id in ipairs(line) do
    if not known[i] and call('HEXISTS', bodies, id) == 1 then
      older(id)
      found = true
      break
    end
  end
end
local leased, delayed, letters = call('ZCARD', leases), call('ZCARD', delays), call('ZCARD', dead)
return { 0, inLine, leased, delayed, letters, call('HLEN', bodies), oldest, now, call('HGETALL', sums) }
`,
  );

/**
 * ARGV:
 * 1. order of death after which the page begins
 * 2. limit
 *
 * Result:
 * 1. 1: run the script again; 0: done
 * 2. number of dead letters in all
 * 3. ids and orders of death, in turn, oldest first
 */
const listScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "list dead letters",
    settings,
    `
if settle() then return { 1 } end
local page = call('ZRANGE', dead, '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
return { 0, call('ZCARD', dead), page }
`,
  );

/**
 * ARGV of `redrive` and `purge`:
 * 1. ids, a JSON list; '' for all letters up to ARGV[2]
 * 2. order of death (the score in `dead`) of the last letter to act on; '' for the newest letter. Repeat runs pass
 *    element 4 of the result, so that letters that die between two runs are not acted on.
 *
 * Result of `redrive` and `purge`:
 * 1. 1: run the script again; 0: done
 * 2. number of letters returned to the queue, or deleted
 * 3. 1: run the script again with element 4 as ARGV[2]; 0: done
 * 4. order of death of the last letter to act on
 *
 * This part sets `ids` to the letters to act on, oldest first, `more` to element 3 and `upTo` to element 4.
 */
const lettersPart = `
if settle() then return { 1 } end
local ids, upTo = {}, ARGV[2]
if ARGV[1] ~= '' then
  local given, orders = cjson.decode(ARGV[1]), {}
  local found = call('ZMSCORE', dead, unpack(given))
  for i, id in ipairs(given) do
    if found[i] and not orders[id] then
      orders[id] = tonumber(found[i])
      ids[#ids + 1] = id
    end
  end
  table.sort(ids, function(x, y) return orders[x] < orders[y] end)
else
  if upTo == '' then upTo = call('ZRANGE', dead, -1, -1, 'WITHSCORES')[2] or '0' end
  ids = call('ZRANGE', dead, '-inf', upTo, 'BYSCORE', 'LIMIT', 0, ${LETTERS})
end
local more = ARGV[1] == '' and #ids == ${LETTERS} and 1 or 0
`;

/** Returns letters to the tail, as long as there is room. */
const redriveScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "redrive dead letters",
    settings,
    `
${lettersPart}
local bytes, room = sum('bytes'), ${settings.maxBatches} - call('HLEN', bodies) + call('ZCARD', dead)
local moved, freed = 0, 0
for _, id in ipairs(ids) do
  local size = sizeOf(id)
  if bytes + size > ${settings.maxBytes} or room < 1 then
    more = 0
    break
  end
  local handovers = string.match(call('HGET', notes, id), '^%d+:(%d+):')
  call('ZREM', dead, id)
  call('HDEL', notes, id)
  mark(id, 0, tonumber(handovers) + 1)
  goToTail(id)
  bytes, room, moved, freed = bytes + size, room - 1, moved + 1, freed + size
end
count('bytes', freed)
count('deadBytes', -freed)
count('redriven', moved)
joinTail()
return { 0, moved, more, upTo }
`,
  );

/** Deletes letters. */
const purgeScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "purge dead letters",
    settings,
    `
${lettersPart}
local freed = 0
for _, id in ipairs(ids) do
  dropLetter(id)
  freed = freed + sizeOf(id)
end
count('deadBytes', -freed)
count('purged', #ids)
return { 0, #ids, more, upTo }
`,
  );

/**
 * ARGV:
 * 1. ids of batches that seem to be orphans, a JSON list
 *
 * Result: the number of batches returned to the tail; leased, delayed and dead ones are left alone
 */
const repairScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "repair",
    settings,
    `
local ids = cjson.decode(ARGV[1])
local known, repaired = marksOf(ids), 0
for i, id in ipairs(ids) do
  local there = call('HEXISTS', bodies, id) == 1
  if there and not call('ZSCORE', leases, id) and not call('ZSCORE', delays, id) and not call('ZSCORE', dead, id) then
    local returns, handovers = readMark(known[i])
    mark(id, returns, handovers + 1)
    goToTail(id)
    repaired = repaired + 1
  end
end
joinTail()
return repaired
`,
  );

/**
 * ARGV: none
 *
 * Result: none. Leaves a token in `wake` if any id is in `ready`.
 */
const RING = redisScript(
  "ring",
  `${headerOf({ allowOutOfMemory: true })}
${commonPart}
if call('LLEN', ready) > 0 then ring() end
`,
);

export const operatorScripts = (settings: ScriptSettings) => ({
  stats: statsScript(settings),
  list: listScript(settings),
  redrive: redriveScript(settings),
  purge: purgeScript(settings),
  repair: repairScript(settings),
  ring: RING,
});
