/** Scripts for those who look after the queue: figures, dead letters, repair. */
import { type RedisScript, redisScript } from "../../platform/redis/connections.ts";
import { commonPart, headerOf, type ScriptSettings, scriptOf } from "./script-parts.ts";

/** Dead letters that one script moves or deletes at most, where all are asked for. */
const LETTERS = 500;
/** Looks at the head of the line for the oldest one that never came back, each of a hundred ids. */
const LOOKS = 100;

/**
 * Reply: 1 when it must be asked again, else 0; ids in the line that have a body; leased; delayed; dead; bodies; publication
 * of the oldest ready one, -1 for none; now; names and values of the sums.
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
return { 0, inLine, call('ZCARD', leases), call('ZCARD', delays), call('ZCARD', dead), call('HLEN', bodies), oldest, now,
  call('HGETALL', sums) }
`,
  );

/** ARGV: after this order, limit. Reply: as stats begins; total; ids and orders in turn. */
const listScript = (settings: ScriptSettings): RedisScript =>
  scriptOf(
    "list dead letters",
    settings,
    `
if settle() then return { 1 } end
return { 0, call('ZCARD', dead), call('ZRANGE', dead, '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES') }
`,
  );

/**
 * ARGV: ids as JSON, or '' for all up to the order ARGV[2], '' for all that are there now. Leaves in `ids` those to act
 * on, the oldest first, and in `upTo` where all of them end.
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

/** Reply: as stats begins; how many went back to the line, 1 when there is more to do, where all of them end. */
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

/** Reply: as stats begins; how many are gone, 1 when there is more to do, where all of them end. */
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

/** ARGV: ids as JSON that are in no line, as far as could be seen. Reply: how many are back in the line. */
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

/** A token for whoever waits, where something is ready. */
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
