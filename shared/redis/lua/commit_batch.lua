#!lua
-- commit_batch: keep a batch for replay, advance the cursor, ring the bell; or do nothing.
--
-- KEYS[1] topic hash       epoch seq cursor replid last window_ms passed
-- KEYS[2] batches stream   the replay log; id = position
-- KEYS[3] events stream    trimmed up to the new cursor
-- KEYS[4] dead stream      dead letters
-- KEYS[5] bell channel     of the org
-- ARGV[1] expected cursor  ARGV[2] new cursor  ARGV[3] expected epoch
-- ARGV[4] position of the batch ("" without events: then nothing is kept or rung)
-- ARGV[5] p, previous position   ARGV[6] f, first seq   ARGV[7] n, count
-- ARGV[8] d, frame body   ARGV[9] x, index or ""   ARGV[10] t, traceparent or ""
-- ARGV[11] oldest id that the events stream keeps
-- ARGV[12] oldest id that the replay log keeps, or "" to keep all
-- ARGV[13] service   ARGV[14] window_ms   ARGV[15] how many dead letters to keep, roughly
-- ARGV[16] how many entries all commits up to this one have passed
-- ARGV[17…] dead letters, six each: reason, id, field, why, size of data, head or whole of data
-- Returns 1; or an error "STALE …" that names what was found; or Redis' own error. Nothing is
-- written in either case.
--
-- One script: a gateway that hears the bell reads at once, and two owners must not both win.
-- The cursor decides between owners and absorbs a retry after a lost reply. The replication id
-- decides between servers: a plan made against another primary than this one must not apply,
-- because what it was made from may have been rolled back.
--
-- Lua does not roll back, so every check precedes the first write, and the shebang makes a
-- full server refuse the call as a whole. No number is computed here: all arrive as text.

local found = redis.call('HMGET', KEYS[1], 'cursor', 'epoch', 'replid')
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[3] or found[3] ~= replid then
  return redis.error_reply(string.format('STALE cursor %s epoch %s replid %s on server %s',
    found[1] or 'none', found[2] or 'none', found[3] or 'none', replid))
end

local function check_stream(key)
  local kind = redis.call('TYPE', key)['ok']
  if kind ~= 'stream' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a stream')
  end
end

local has_events = ARGV[4] ~= ''
local wrong = check_stream(KEYS[2]) or check_stream(KEYS[3]) or check_stream(KEYS[4])
if wrong then
  return wrong
end

-- The riskiest write first: it fails when the log already holds a later position.
if has_events then
  local entry = {'p', ARGV[5], 'f', ARGV[6], 'n', ARGV[7], 'd', ARGV[8]}
  for i, name in ipairs({'x', 't'}) do
    if ARGV[8 + i] ~= '' then
      entry[#entry + 1] = name
      entry[#entry + 1] = ARGV[8 + i]
    end
  end
  redis.call('XADD', KEYS[2], ARGV[4], unpack(entry))
end
for i = 17, #ARGV, 6 do
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[15], '*',
    'reason', ARGV[i], 'id', ARGV[i + 1], 'field', ARGV[i + 2], 'why', ARGV[i + 3],
    'bytes', ARGV[i + 4], 'head', ARGV[i + 5])
end
redis.call('HSET', KEYS[1], 'cursor', ARGV[2], 'window_ms', ARGV[14],
  'passed', ARGV[2] .. ' ' .. ARGV[16])
if has_events then
  redis.call('HSET', KEYS[1], 'last', ARGV[4], 'seq', string.match(ARGV[4], '-(%d+)$'))
end
redis.call('XTRIM', KEYS[3], 'MINID', ARGV[11])
if ARGV[12] ~= '' then
  redis.call('XTRIM', KEYS[2], 'MINID', ARGV[12])
end
if has_events then
  redis.call('SPUBLISH', KEYS[5], ARGV[13] .. ' ' .. ARGV[4])
end
return 1
