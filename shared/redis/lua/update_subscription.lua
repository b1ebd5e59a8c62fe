#!lua
-- update_subscription: store a changed subscription under the next version and ring the bell;
-- or do nothing.
--
-- KEYS[1] subs:{org}   field = user or user#connection: "<version> <json>"
-- KEYS[2] bell:{org}   sharded channel
-- ARGV[1] field   ARGV[2] the field's value as the caller read it, "" if it was absent
-- ARGV[3] JSON to store   ARGV[4] "1" if the field must exist (a connection that is open)
--
-- Returns the new version; 0 if the field has changed since; -1 if it must exist and does not.
--
-- Compare-and-set: the new value was worked out from the old one, so two changes at once must
-- not both build on the same.

local current = redis.call('HGET', KEYS[1], ARGV[1])
if not current and ARGV[4] == '1' then
    return -1
end
if (current or '') ~= ARGV[2] then
    return 0
end
if redis.call('HEXISTS', KEYS[1], ':version') == 0 then
    -- New, or lost with its server: versions must not fall behind those that sockets hold.
    local now = redis.call('TIME')
    redis.call('HSET', KEYS[1], ':version', string.format('%.0f', now[1] * 1000000 + now[2]))
end
local version = redis.call('HINCRBY', KEYS[1], ':version', 1)
local text = string.format('%.0f', version)
redis.call('HSET', KEYS[1], ARGV[1], text .. ' ' .. ARGV[3])
redis.call('SPUBLISH', KEYS[2], ':subs ' .. text .. ' ' .. ARGV[1])
return version
