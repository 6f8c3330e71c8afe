# Retention drops segments, and the queues go on to say that their messages are there.
set(file actors/shard_checkpoint.cpp)
set(from [=[if (record == nullptr || record->start >= start) continue;]=])
set(to [=[if (record == nullptr || record->start <= start) continue;]=])
set(told ", which is not in the log")
