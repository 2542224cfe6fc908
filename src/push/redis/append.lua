-- A batch of publications, as one entry. KEYS[7]: the last batch of the node. ARGV: a new epoch,
-- the node, the number of the batch, records to keep, idempotency keys to keep; then for each
-- publication its bytes, its key or nothing, and the digest of what has that key.
-- A node sends its batches in order, from 1 on, and after a reconnect all that it has not read
-- yet: whatever is not newer than the last one is in the log.
if (tonumber(redis.call('GET', KEYS[7])) or 0) >= tonumber(ARGV[3]) then
  return 'again'
end
local clock = redis.call('TIME')
time = math.max(time, clock[1] * 1000 + math.floor(clock[2] / 1000))
local records, outcomes, fresh, repeats = {}, {}, {}, false
for at = 6, #ARGV, 3 do
  local key, digest = ARGV[at + 1], ARGV[at + 2]
  local known = key ~= '' and (fresh[key] or redis.call('HGET', KEYS[4], key)
    or redis.call('HGET', KEYS[5], key))
  if known then
    local sequence, before = string.match(known, '^(%d+) (%x+)$')
    outcomes[#outcomes + 1] = before == digest and sequence or 'x'
    repeats = true
  else
    outcomes[#outcomes + 1] = '+'
    records[#records + 1] = ARGV[at]
    if key ~= '' then
      fresh[key] = text(head + #records) .. ' ' .. digest
    end
  end
end
local after, next_sub = head + #records, #records > 0 and 0 or sub + 1
local first = text(math.max(0, after - tonumber(ARGV[4])))
redis.call('XADD', KEYS[1], 'MINID', '~', first, text(after) .. '-' .. text(next_sub),
  'n', ARGV[2], 'q', ARGV[3], 't', text(time), 'r', table.concat(records),
  'o', repeats and table.concat(outcomes, ' ') or '')
head, sub = after, next_sub
redis.call('HSET', KEYS[2], 'head', text(head), 'sub', text(sub), 'time', text(time))
redis.call('SET', KEYS[7], ARGV[3], 'EX', 600)
if next(fresh) then
  -- Two halves, of which the older one goes after five minutes, or when the newer one is full.
  local began = tonumber(redis.call('HGET', KEYS[2], 'began')) or 0
  if time - began >= 300000 or redis.call('HLEN', KEYS[4]) >= tonumber(ARGV[5]) then
    if redis.call('EXISTS', KEYS[4]) == 1 then
      redis.call('RENAME', KEYS[4], KEYS[5])
    end
    redis.call('HSET', KEYS[2], 'began', text(time))
  end
  for key, value in pairs(fresh) do
    redis.call('HSET', KEYS[4], key, value)
  end
  redis.call('PEXPIRE', KEYS[4], 600000)
end
return 'done'
