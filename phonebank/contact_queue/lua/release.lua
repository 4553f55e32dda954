-- Remove the hold of a contact if it belongs to this call, or if Redis does not know its call.
--
-- KEYS  held, holders
-- ARGV  contact id, call id
local holder = redis.call('HGET', KEYS[2], ARGV[1])
if not holder or holder == ARGV[2] then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return redis.status_reply('OK')
