-- Delete every lane and all callbacks.
--
-- KEYS  lanes, callbacks, details
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  redis.call('DEL', KEYS[1] .. ':' .. name)
end
redis.call('DEL', unpack(KEYS))
return redis.status_reply('OK')
