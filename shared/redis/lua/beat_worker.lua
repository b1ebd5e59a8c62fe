#!lua
-- beat_worker: say that a worker lives, or that it leaves, and learn who else lives.
--
-- KEYS[1] workers zset   worker -> deadline in server milliseconds
-- ARGV[1] worker         ARGV[2] how long it counts as living, in ms; 0 leaves
-- Returns {server time in ms, worker, worker, …}.

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(ARGV[2]) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], string.format('%.0f', now_ms + tonumber(ARGV[2])), ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now_ms))
return {string.format('%.0f', now_ms), unpack(redis.call('ZRANGE', KEYS[1], 0, -1))}
