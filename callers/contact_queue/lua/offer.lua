-- Put contacts into a set (ready or callbacks), except those somebody holds.
--
-- KEYS  set, held, details
-- ARGV  contact id, score, details; and again for each contact
-- Returns how many were new to the set.
local set, held, details = unpack(KEYS)
local added = 0
for i = 1, #ARGV, 3 do
  local contact, score, detail = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not redis.call('ZSCORE', held, contact) then
    added = added + redis.call('ZADD', set, score, contact)
    redis.call('HSET', details, contact, detail)
  end
end
return added
