#!lua
-- publish_events: add events to their streams, all of them; or none.
--
-- KEYS[i] events:{org}:service, each once
-- ARGV[1] how many unread entries a stream may hold
-- ARGV[2…] for each event: which of KEYS, how many arguments follow, and these: field, value, …
--
-- Returns {1, entry ids in the order of the events}; or {0, the length of each of KEYS} if one of
-- them is full.
--
-- All lengths are asked for before the first write: a key of another type fails there, and a script
-- that has written cannot take it back. A server without memory, or one that became a replica,
-- refuses the script as a whole.

local lengths, is_full = {}, false
for i, key in ipairs(KEYS) do
    lengths[i] = redis.call('XLEN', key)
    is_full = is_full or lengths[i] >= tonumber(ARGV[1])
end
if is_full then
    return {0, lengths}
end
local ids, at = {}, 2
while at <= #ARGV do
    local last = at + 1 + tonumber(ARGV[at + 1])
    ids[#ids + 1] = redis.call('XADD', KEYS[tonumber(ARGV[at])], '*', unpack(ARGV, at + 2, last))
    at = last + 1
end
return {1, ids}
