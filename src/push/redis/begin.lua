-- What every script begins with. Writes nothing unless the server has another life than the log
-- knows: then it enters a new epoch, of which no node has lost anything as far as is known.
-- KEYS: log, meta, epochs, keys, keys before, revoked. ARGV[1]: a new epoch.
local info = redis.call('INFO', 'replication')
if string.match(info, 'role:(%a+)') ~= 'master' then
  return redis.error_reply('READONLY this is a replica')
end
local life = string.match(info, 'master_replid:(%x+)')
local meta = redis.call('HMGET', KEYS[2], 'format', 'life', 'epoch', 'head', 'sub', 'time')
if not meta[1] and redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.error_reply('WBFOREIGN this is not a log of wirebell')
end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('WBNEWER this log has another format')
end
local head, sub, time = tonumber(meta[4]) or 0, tonumber(meta[5]) or 0, tonumber(meta[6]) or 0

local function text(number)
  return string.format('%.0f', number)
end

-- An entry that is not a record: it comes after all up to the head.
local function note(...)
  redis.call('XADD', KEYS[1], text(head) .. '-' .. text(sub + 1), ...)
  sub = sub + 1
  redis.call('HSET', KEYS[2], 'format', 1, 'sub', text(sub))
end

local function enter(epoch, first, lost)
  note('e', epoch, 'm', text(head), 'b', text(first), 'l', lost)
  redis.call('RPUSH', KEYS[3], table.concat({epoch, text(head), text(first), lost}, ' '))
  redis.call('LTRIM', KEYS[3], -64, -1)
  if first > head then
    head, sub = first, 0
  end
  redis.call('HSET', KEYS[2], 'life', life, 'epoch', epoch, 'head', text(head), 'sub', text(sub))
end

if meta[2] ~= life then
  enter(ARGV[1], head, 0)
end
