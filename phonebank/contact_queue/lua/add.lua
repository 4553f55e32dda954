-- Put contacts into a sorted set (a lane, or the callbacks), except those that a call holds.
--
-- KEYS  set, held
-- ARGV  contact id and score, for each contact
-- Returns the number of contacts that were new to the set.
local set, held = unpack(KEYS)
local added = 0
for i = 1, #ARGV, 2 do
  if not redis.call('ZSCORE', held, ARGV[i]) then
    added = added + redis.call('ZADD', set, ARGV[i + 1], ARGV[i])
  end
end
return added
