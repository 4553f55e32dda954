-- Forget holds whose time was up when the reaper looked, unless renewed since.
--
-- KEYS  held
-- ARGV  now, contact id, …
for i = 2, #ARGV do
  local expiry = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if expiry and tonumber(expiry) <= tonumber(ARGV[1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return redis.status_reply('OK')
