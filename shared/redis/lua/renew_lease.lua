#!lua
-- renew_lease: take, extend or give back the lease on a partition of orgs.
--
-- KEYS[1] lease hash   owner token deadline
-- ARGV[1] worker       ARGV[2] how long in ms; 0 gives the lease back
-- Returns {1 if the caller holds it now else 0, token, owner, ms left}.
--
-- The server's clock alone counts, so a worker whose clock is wrong cannot hold on. The hash
-- never expires: a token that restarted would make an old owner look like the newest.

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'owner', 'token', 'deadline')
local owner, token = found[1] or '', tonumber(found[2] or '0')
local left_ms = math.max(tonumber(found[3] or '0') - now_ms, 0)
local worker, lease_ms = ARGV[1], tonumber(ARGV[2])

if lease_ms == 0 then
  if owner == worker then
    redis.call('HSET', KEYS[1], 'deadline', '0')
  end
  return {0, string.format('%.0f', token), owner, 0}
end
if left_ms > 0 and owner ~= worker then
  return {0, string.format('%.0f', token), owner, left_ms}
end
if left_ms == 0 or owner ~= worker then
  token = token + 1
end
redis.call('HSET', KEYS[1], 'owner', worker, 'token', string.format('%.0f', token),
  'deadline', string.format('%.0f', now_ms + lease_ms))
return {1, string.format('%.0f', token), worker, lease_ms}
