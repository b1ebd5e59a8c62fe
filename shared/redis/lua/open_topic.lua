#!lua
-- open_topic: say where a topic stands, in a new epoch if its history may have been lost.
--
-- KEYS[1] topic hash       epoch seq cursor replid last window_ms passed
-- KEYS[2] batches stream   only its last id is looked at
-- KEYS[3] events stream    only what has left it is counted
-- ARGV[1] the highest epoch that the caller has seen of the topic, or ""
-- Returns {epoch, seq, cursor, last, window_ms or "", passed, removed}, all text.
--
-- A topic whose hash is gone (FLUSHALL, an empty restart) or that was written through another
-- primary (failover, restart) may have been rolled back, so positions that clients hold could
-- come to name other events. The new epoch makes them unequal to all that will follow; it
-- exceeds every epoch that can be known here, even on a server whose clock is behind.
-- `cursor` and `last` stay: they are as old as the streams beside them, since all replicate
-- together.
--
-- `passed` counts the entries that commits have passed, and so trimmed, and `removed` all that
-- have left the events stream: where the two differ, somebody else removed some unread. The
-- count is worth something at its own cursor only: a worker that does not keep it may have moved
-- the topic since. Without it nothing can be told, and what is gone so far counts as passed.

local found = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'cursor', 'replid', 'last',
  'window_ms', 'passed')
local epoch, seq, cursor = found[1], found[2] or '0', found[3] or '0-0'
local last, window_ms = found[5] or '0-0', found[6] or ''
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')

-- A log that is ahead of its topic would refuse every further batch.
local log_epoch, log_seq = 0, 0
if redis.call('EXISTS', KEYS[2]) == 1 then
  local facts = redis.call('XINFO', 'STREAM', KEYS[2])
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then
      local ahead_epoch, ahead_seq = string.match(facts[i + 1], '^(%d+)-(%d+)$')
      log_epoch, log_seq = tonumber(ahead_epoch), tonumber(ahead_seq)
    end
  end
end
local now_epoch, now_seq = tonumber(epoch or '0'), tonumber(seq)
local is_ahead = log_epoch > now_epoch or (log_epoch == now_epoch and log_seq > now_seq)

if not epoch or found[4] ~= replid or is_ahead then
  local time = redis.call('TIME')
  local time_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  local known_epoch = tonumber(ARGV[1]) or 0
  epoch = string.format('%.0f', math.max(now_epoch + 1, known_epoch + 1, log_epoch + 1, time_ms))
  seq = '0'
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'seq', seq, 'cursor', cursor, 'replid', replid,
    'last', last)
end

local at, passed = string.match(found[7] or '', '^(%S+) (%d+)$')
local kind = redis.call('TYPE', KEYS[3])['ok']
local removed = kind == 'none' and '0' or nil
if kind == 'stream' then
  local counts = {}
  local facts = redis.call('XINFO', 'STREAM', KEYS[3])
  for i = 1, #facts, 2 do
    counts[facts[i]] = facts[i + 1]
  end
  removed = string.format('%.0f', counts['entries-added'] - counts['length'])
end
if at ~= cursor then
  passed = removed or '0'
end
return {epoch, seq, cursor, last, window_ms, passed, removed or passed}
