-- Whose entries were read just before. KEYS: meta.
local info = redis.call('INFO', 'replication')
local life = string.match(info, 'role:master.*master_replid:(%x+)')
return {life or '', redis.call('HGET', KEYS[1], 'epoch') or ''}
