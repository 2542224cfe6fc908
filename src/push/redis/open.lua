-- A node connects. ARGV: a new epoch, another one; the epoch and the head of the node, if it has
-- any. If the log does not have that position, records were lost: every topic has a gap, and the
-- numbers that the node has seen are not used again.
local all = redis.call('LRANGE', KEYS[3], 0, -1)
local found = ARGV[3] == ''
local seen = tonumber(ARGV[4])
for place, mark in ipairs(all) do
  if string.match(mark, '^%w+') == ARGV[3] then
    local last = head
    if all[place + 1] then
      last = tonumber(string.match(all[place + 1], '^%w+ (%d+)'))
    end
    found = seen <= last
  end
end
if not found then
  enter(ARGV[2], math.max(head, seen), 1)
  all = redis.call('LRANGE', KEYS[3], 0, -1)
end
return {life, text(head), all, redis.call('ZRANGE', KEYS[6], 0, -1)}
