# Retention drops segments, and the queues go on to say that their messages are there.
set(file actors/shard_checkpoint.cpp)
set(from [=[return record == nullptr || record->start >= end.second;]=])
set(to [=[return record == nullptr || record->start >= end.second || end.second.value > 0;]=])
set(told ", which is not in the log")
