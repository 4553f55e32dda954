-- Take one contact for a caller: a callback that is due comes first, then the first of the lanes.
--
-- KEYS  built, held, holders, lanes, callbacks, details
-- ARGV  now, expiry, caller id, call id, seconds for which a callback is reserved for the caller who
--       promised it, lists ("1,2" or ""), languages (",cy" : unknown and Welsh)
-- Returns {"lost"} if the queue was not built since Redis started, or has been emptied;
--         {"empty"} if there is no contact for this caller;
--         {"taken", contact id, left, held}, where `left` counts the contacts in the lanes that
--         this caller may take from, and `held` counts the contacts on all screens.
local built, held, holders, lanes, callbacks, details = unpack(KEYS)
local now, expiry, caller, call = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local reserved_for, lists, languages = tonumber(ARGV[5]), ARGV[6], ARGV[7]

if redis.call('GET', built) ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then
  return {'lost'}
end

local function among(wanted, value)
  return string.find(',' .. wanted .. ',', ',' .. value .. ',', 1, true) ~= nil
end

-- A lane's name is "lists:language". For callers who are limited to some lists, there are separate
-- lanes for these lists. So this script reads only the first contact of each lane.
local names = redis.call('SMEMBERS', lanes)
local mine = {}
for _, name in ipairs(names) do
  local of_lists, language = string.match(name, '^(.-):(.*)$')
  if of_lists == lists and among(languages, language) then
    mine[#mine + 1] = lanes .. ':' .. name
  end
end

local function hold(contact)
  for _, name in ipairs(names) do
    redis.call('ZREM', lanes .. ':' .. name, contact)
  end
  redis.call('ZADD', held, expiry, contact)
  redis.call('HSET', holders, contact, call)
  local left = 0
  for _, lane in ipairs(mine) do
    left = left + redis.call('ZCARD', lane)
  end
  return {'taken', contact, left, redis.call('ZCARD', held)}
end

-- Few callbacks are due at once, because callers promise them one by one. The limit of fifty keeps
-- this script fast in any case.
local due = redis.call('ZRANGEBYSCORE', callbacks, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 50)

-- An undo may have held a contact again whose callback is in Redis. Such a callback is removed.
for i = 1, #due, 2 do
  if redis.call('ZSCORE', held, due[i]) then
    redis.call('ZREM', callbacks, due[i])
    redis.call('HDEL', details, due[i])
  end
end

local function hold_callback(contact)
  redis.call('ZREM', callbacks, contact)
  redis.call('HDEL', details, contact)
  return hold(contact)
end

-- A callback's details are "list:language:caller who promised".
for i = 1, #due, 2 do
  local promised_by = string.match(redis.call('HGET', details, due[i]) or '', '([^:]*)$')
  if promised_by == caller then
    return hold_callback(due[i])
  end
end
for i = 1, #due, 2 do
  local list, language, promised_by =
    string.match(redis.call('HGET', details, due[i]) or '', '^(.-):(.-):(.*)$')
  if list and (lists == '' or among(lists, list)) and among(languages, language)
    and (promised_by == '' or tonumber(due[i + 1]) + reserved_for <= now) then
    return hold_callback(due[i])
  end
end

local first, position
for _, lane in ipairs(mine) do
  local front = redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')
  while front[1] and redis.call('ZSCORE', held, front[1]) do
    redis.call('ZREM', lane, front[1])
    front = redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')
  end
  if front[1] and (not position or tonumber(front[2]) < position) then
    first, position = front[1], tonumber(front[2])
  end
end
if first then return hold(first) end
return {'empty'}
