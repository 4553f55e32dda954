-- Let a lock expire after some milliseconds (0: now), if it still has this token.
--
-- KEYS  lock
-- ARGV  token, milliseconds
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.status_reply('OK')
