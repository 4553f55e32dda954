-- Take one contact for a caller: a promised callback first, then the foremost of their lines.
--
-- KEYS  built, held, holders, lines, callbacks, details
-- ARGV  now, expiry, caller id, call id, seconds a callback is its promiser's own,
--       lists ("1,2" or ""), languages (",cy" : unknown and Welsh)
-- Returns {"lost"} when the queue was not built in this run of this Redis or has been emptied,
--         {"empty", left in line}, or {"taken", contact id, left in line}; only lines the caller
--         may take from count.
local built, held, holders, lines, callbacks, details = unpack(KEYS)
local now, expiry, caller, call = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local own_for, lists, languages = tonumber(ARGV[5]), ARGV[6], ARGV[7]

if redis.call('GET', built) ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then
  return {'lost'}
end

local function among(wanted, value)
  return string.find(',' .. wanted .. ',', ',' .. value .. ',', 1, true) ~= nil
end

-- A line is named "lists:language". Somebody limited to lists has lines of their own, filled with
-- people of these lists only, so nobody looks along a line for those they may ring.
local names = redis.call('SMEMBERS', lines)
local mine = {}
for _, name in ipairs(names) do
  local of_lists, language = string.match(name, '^(.-):(.*)$')
  if of_lists == lists and among(languages, language) then
    mine[#mine + 1] = lines .. ':' .. name
  end
end

local function hand_over(contact)
  for _, name in ipairs(names) do
    redis.call('ZREM', lines .. ':' .. name, contact)
  end
  redis.call('ZADD', held, expiry, contact)
  redis.call('HSET', holders, contact, call)
  local left = 0
  for _, line in ipairs(mine) do
    left = left + redis.call('ZCARD', line)
  end
  return {'taken', contact, left}
end

-- Several due at once are few: they were promised one by one. Fifty bounds the work all the same.
local due = redis.call('ZRANGEBYSCORE', callbacks, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 50)

-- An undo puts somebody back on a screen whose callback was brought in already.
for i = 1, #due, 2 do
  if redis.call('ZSCORE', held, due[i]) then
    redis.call('ZREM', callbacks, due[i])
    redis.call('HDEL', details, due[i])
  end
end

local function ring_back(contact)
  redis.call('ZREM', callbacks, contact)
  redis.call('HDEL', details, contact)
  return hand_over(contact)
end

-- A callback's details are "list:language:promiser".
for i = 1, #due, 2 do
  local promiser = string.match(redis.call('HGET', details, due[i]) or '', '([^:]*)$')
  if promiser == caller then
    return ring_back(due[i])
  end
end
for i = 1, #due, 2 do
  local list, language, promiser =
    string.match(redis.call('HGET', details, due[i]) or '', '^(.-):(.-):(.*)$')
  if list and (lists == '' or among(lists, list)) and among(languages, language)
    and (promiser == '' or tonumber(due[i + 1]) + own_for <= now) then
    return ring_back(due[i])
  end
end

local foremost, place
for _, line in ipairs(mine) do
  local front = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')
  while front[1] and redis.call('ZSCORE', held, front[1]) do
    redis.call('ZREM', line, front[1])
    front = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')
  end
  if front[1] and (not place or tonumber(front[2]) < place) then
    foremost, place = front[1], tonumber(front[2])
  end
end
if foremost then return hand_over(foremost) end
return {'empty', 0}
