-- Copy holds. They replace what was known about their contacts.
--
-- KEYS  held, holders
-- ARGV  contact id, expiry, call id; and again for each hold
local held, holders = unpack(KEYS)
for i = 1, #ARGV, 3 do
  redis.call('ZADD', held, ARGV[i + 1], ARGV[i])
  redis.call('HSET', holders, ARGV[i], ARGV[i + 2])
end
return redis.status_reply('OK')
