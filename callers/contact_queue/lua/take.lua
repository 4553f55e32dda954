-- Take one contact for a caller: a promised callback first, then the front of the ready line.
--
-- KEYS  built, held, ready, callbacks, details
-- ARGV  now, expiry, caller id, seconds a callback is its promiser's own,
--       lists ("1,2" or ""), languages ("cy,en" or "")
-- Returns {"lost"} when the queue was never built or Redis was emptied, {"empty", ready left},
--         or {"taken", contact id, ready left}.
local built, held, ready, callbacks, details = unpack(KEYS)
local now, expiry, caller = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local own_for, lists, languages = tonumber(ARGV[4]), ARGV[5], ARGV[6]

if redis.call('EXISTS', built) == 0 then
  return {'lost'}
end

local function among(wanted, value)
  return wanted == '' or string.find(',' .. wanted .. ',', ',' .. value .. ',', 1, true) ~= nil
end

-- A contact's details are "list:language:promiser"; a caller may be limited to lists and
-- languages, and somebody whose language is unknown may be given to anyone.
local function suits(contact)
  local list, language = string.match(redis.call('HGET', details, contact) or '', '^(.-):(.-):')
  if not list then return false end
  return among(lists, list) and (language == '' or among(languages, language))
end

local function promised_to(contact)
  return string.match(redis.call('HGET', details, contact) or '', '([^:]*)$')
end

local function take(set, contact)
  redis.call('ZREM', set, contact)
  redis.call('HDEL', details, contact)
  redis.call('ZADD', held, expiry, contact)
  return {'taken', contact, redis.call('ZCARD', ready)}
end

-- Several due at once are few: they were promised one by one. Fifty bounds the work all the same.
local due = redis.call('ZRANGEBYSCORE', callbacks, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 50)
for i = 1, #due, 2 do
  if promised_to(due[i]) == caller then
    return take(callbacks, due[i])
  end
end
for i = 1, #due, 2 do
  local nobodys = promised_to(due[i]) == ''
  if (nobodys or tonumber(due[i + 1]) + own_for <= now) and suits(due[i]) then
    return take(callbacks, due[i])
  end
end

-- Nearly always the first suits. A caller with limits looks along the front of the line; a refill
-- made for them puts people they can serve there when it held none.
for _, contact in ipairs(redis.call('ZRANGE', ready, 0, 0)) do
  if suits(contact) then return take(ready, contact) end
end
for _, contact in ipairs(redis.call('ZRANGE', ready, 1, 499)) do
  if suits(contact) then return take(ready, contact) end
end
return {'empty', redis.call('ZCARD', ready)}
