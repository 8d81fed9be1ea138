/** Scripts of the producer's side: open, publish. KEYS as in `script-parts.ts`, with the key of the producer. */
import { type RedisScript, redisScript } from "../../platform/redis/connections.ts";
import { MAX_EPOCH_AHEAD_MS } from "../port.ts";
import { commonPart, headerOf, returnsPart, type ScriptSettings } from "./script-parts.ts";

/** How long after its last write a producer's key expires. */
const REMEMBERED_SECONDS = 30 * 24 * 3600;

/** The first element of the result of `publish` is an index into this list. */
export const PUBLISH_CODES = ["accepted", "duplicate", "gap", "fenced", "full", "too_large", "epoch_ahead"] as const;

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

/**
 * ARGV: none
 *
 * Result:
 * 1. epoch of the new life: the time in milliseconds, or the last epoch + 1 if that is larger. Because epochs are
 *    times, they keep growing even after Redis has lost its data. If the last epoch is the largest safe integer, it is
 *    ignored.
 * 2. seq of the last accepted batch; 0 if there is none
 * 3. position of that batch; empty if there is none
 */
const OPEN = redisScript(
  "open a producer",
  `${headerOf({ allowOutOfMemory: true })}
${commonPart}
${statePart}
if known >= ${Number.MAX_SAFE_INTEGER} then known = 0 end
local epoch = math.max(known + 1, now)
remember(epoch, last, position)
return { epoch, last, position }
`,
);

/**
 * ARGV:
 * 1. epoch
 * 2. seq of the first batch
 * 3. total size of the bodies, in bytes
 * 4. number of readings in all batches
 * 5. readings of each batch, a JSON list
 * 6. bytes of the largest body
 * 7. position of the last batch
 * 8. length of each entry, a JSON list
 * 9. the last 7 characters of each id, joined (`endOfId`)
 * 10. the entries (`entry.ts`): one argument each, or all joined in one argument
 *
 * Result:
 * 1. index into `PUBLISH_CODES`
 * 2. seq of the last batch that was accepted before this call
 *
 * The part below gives every answer except `accepted`. It sets `have` to the number of leading batches that were
 * accepted before, `fresh` to the number of all others, and `bytes` and `readings` to the sums of the fresh batches.
 */
const judgePart = ({ maxBytes, maxBatches }: ScriptSettings, hasRoom: string): string => `
settle()
local epoch, first = tonumber(ARGV[1]), tonumber(ARGV[2])
if epoch < known then
  count('fenced', 1)
  return { 3, last }
end
if epoch > known and epoch > now + ${MAX_EPOCH_AHEAD_MS} then return { 6, last } end
local function adopt()
  if epoch > known then remember(epoch, last, position) end
end
local lengths = cjson.decode(ARGV[8])
local have = math.min(math.max(last - first + 1, 0), #lengths)
local fresh = #lengths - have
if fresh == 0 then
  adopt()
  count('duplicates', have)
  return { 1, last }
end
if first > last + 1 then
  adopt()
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
adopt()
local kept = call('HMGET', sums, 'bytes', 'serial', 'published', 'readings', 'largest')
local held = tonumber(kept[1] or 0)
local batches = call('HLEN', bodies) - call('ZCARD', dead)
if not (${hasRoom}) or held + bytes > ${maxBytes} or batches + fresh > ${maxBatches} then
  count('rejected', 1)
  return { 4, last }
end
`;

/** Appends the fresh batches to `ready` and stores the producer's seq and position. */
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

/**
 * ARGV: 1 to 9 of `publish`
 *
 * Result: as `publish`
 *
 * Runs instead of `publish` if Redis has no memory for the batches. Gives the same answers, but never `accepted`.
 */
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
