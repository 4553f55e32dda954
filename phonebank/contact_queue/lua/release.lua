-- Free a contact, if this call holds it, or if Redis has forgotten which call does.
--
-- KEYS  held, holders
-- ARGV  contact id, call id
local holder = redis.call('HGET', KEYS[2], ARGV[1])
if not holder or holder == ARGV[2] then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return redis.status_reply('OK')
