/** Scripts of the producers' side: a new life, and batches. */
import { type RedisScript, redisScript } from "../../platform/redis/connections.ts";
import { commonPart, headerOf, returnsPart, type ScriptSettings } from "./script-parts.ts";

/** Positions are forgotten this long after the last publication. */
const REMEMBERED_SECONDS = 30 * 24 * 3600;

/** First of the reply to a publication. */
export const PUBLISH_CODES = ["accepted", "duplicate", "gap", "fenced", "full", "too_large"] as const;

const statePart = `
local known, last, position = 0, 0, ''
local state = call('GET', producer)
if state then
  local epochText, seqText, textAt = string.match(state, '^(%d+):(%d+):()')
  known, last, position = tonumber(epochText), tonumber(seqText), string.sub(state, textAt)
end

local function remember(epoch, seq, text)
  call('SET', producer, string.format('%.0f:%.0f:', epoch, seq) .. text, 'EX', ${REMEMBERED_SECONDS})
end
`;

/** KEYS: partition, producer. Reply: epoch, seq, position. Epochs outgrow a keyspace that was lost, being times. */
const OPEN = redisScript(
  "open a producer",
  `${headerOf({ allowOutOfMemory: true })}
${commonPart}
${statePart}
local epoch = math.max(known + 1, now)
remember(epoch, last, position)
return { epoch, last, position }
`,
);

/**
 * KEYS: partition, producer. ARGV: epoch, first seq, bytes of bodies, readings, readings of each as JSON, bytes of the
 * largest body, position of the last, lengths of the entries as JSON, ends of the ids (7 characters each), the entries:
 * each an argument, or all in one. Reply: place in `PUBLISH_CODES`, last seq accepted before.
 */
const judgePart = ({ maxBytes, maxBatches }: ScriptSettings, hasRoom: string): string => `
settle()
local epoch, first = tonumber(ARGV[1]), tonumber(ARGV[2])
if epoch < known then
  count('fenced', 1)
  return { 3, last }
end
if epoch > known then remember(epoch, last, position) end
local lengths = cjson.decode(ARGV[8])
local have = math.min(math.max(last - first + 1, 0), #lengths)
local fresh = #lengths - have
if fresh == 0 then
  count('duplicates', have)
  return { 1, last }
end
if first > last + 1 then
  count('gaps', 1)
  return { 2, last }
end
local bytes, readings = tonumber(ARGV[3]), tonumber(ARGV[4])
if have > 0 then
  local each = cjson.decode(ARGV[5])
  for i = 1, have do
    bytes = bytes - tonumber(string.sub(ARGV[9], 7 * i - 4, 7 * i), 36)
    readings = readings - each[i]
  end
end
if bytes > ${maxBytes} then return { 5, last } end
local kept = call('HMGET', sums, 'bytes', 'serial', 'published', 'readings', 'largest')
local held = tonumber(kept[1] or 0)
if not (${hasRoom}) or held + bytes > ${maxBytes} or call('HLEN', bodies) - call('ZCARD', dead) + fresh > ${maxBatches} then
  count('rejected', 1)
  return { 4, last }
end
`;

const publishScript = (settings: ScriptSettings): RedisScript =>
  redisScript(
    "publish",
    `${headerOf({ allowOutOfMemory: false })}
${commonPart}
${returnsPart(settings)}
${statePart}
${judgePart(settings, "true")}
local serial = tonumber(kept[2] or 0) + 1
local prefix = string.format('%011x%x', now, serial)
local ids, entries, from, sub = {}, {}, 1, string.sub
local tails, together = ARGV[9], #lengths > 1 and #ARGV == 10 and ARGV[10]
for i = 1, #lengths do
  local to = from + lengths[i]
  if i > have then
    local id = prefix .. sub(tails, 7 * i - 6, 7 * i)
    local place = i - have
    ids[place] = id
    entries[2 * place - 1] = id
    entries[2 * place] = together and sub(together, from, to - 1) or ARGV[9 + i]
  end
  from = to
end
call('HSET', bodies, unpack(entries))
call('RPUSH', ready, unpack(ids))
remember(epoch, first + #lengths - 1, ARGV[7])
call('HSET', sums, 'bytes', held + bytes, 'serial', serial, 'published', tonumber(kept[3] or 0) + fresh,
  'readings', tonumber(kept[4] or 0) + readings, 'largest', math.max(tonumber(kept[5] or 0), tonumber(ARGV[6])))
count('duplicates', have)
ring()
return { 0, last }
`,
  );

/** The same questions when Redis has no memory for another batch: never accepted. */
const refuseScript = (settings: ScriptSettings): RedisScript =>
  redisScript(
    "publish into full memory",
    `${headerOf({ allowOutOfMemory: true })}
${commonPart}
${returnsPart(settings)}
${statePart}
${judgePart(settings, "false")}
`,
  );

export const producerScripts = (settings: ScriptSettings) => ({
  open: OPEN,
  publish: publishScript(settings),
  refuse: refuseScript(settings),
});
