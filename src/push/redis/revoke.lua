-- Something was revoked, or is allowed again. ARGV: a new epoch, what, and 1 or 0.
local is_new = not redis.call('ZSCORE', KEYS[6], ARGV[2])
if is_new == (ARGV[3] == '1') then
  if is_new then
    redis.call('ZADD', KEYS[6], text(head), ARGV[2])
    redis.call('ZREMRANGEBYRANK', KEYS[6], 0, -10001)
  else
    redis.call('ZREM', KEYS[6], ARGV[2])
  end
  note('v', ARGV[3] .. ARGV[2])
end
return 'done'
