-- A node lives. KEYS: nodes, the subscriptions of the node. ARGV: the node, the version of its
-- subscriptions, and the subscriptions unless they are as before. Answers with the version of
-- each node that has lived within ten seconds; with nothing if the subscriptions are not there.
local clock = redis.call('TIME')
local now = tonumber(clock[1])
if ARGV[3] ~= '' then
  redis.call('SET', KEYS[2], ARGV[3], 'EX', 60)
elseif redis.call('EXPIRE', KEYS[2], 60) == 0 then
  return false
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. clock[1])
redis.call('EXPIRE', KEYS[1], 60)
local all, live = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #all, 2 do
  local version, seen = string.match(all[at + 1], '^(%d+) (%d+)$')
  if now - tonumber(seen) <= 10 then
    live[#live + 1] = {all[at], version}
  else
    redis.call('HDEL', KEYS[1], all[at])
  end
end
return live
