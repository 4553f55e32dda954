-- Store holds. A hold replaces an earlier hold of the same contact.
--
-- KEYS  held, holders
-- ARGV  contact id, expiry and call id, for each hold
local held, holders = unpack(KEYS)
for i = 1, #ARGV, 3 do
  redis.call('ZADD', held, ARGV[i + 1], ARGV[i])
  redis.call('HSET', holders, ARGV[i], ARGV[i + 2])
end
return redis.status_reply('OK')
