# The oldest segment goes although queues have messages in it that can be read.
set(file actors/shard_checkpoint.cpp)
set(from [=[return record == nullptr || record->start >= end.second;]=])
set(to [=[return record == nullptr || record->start <= end.second;]=])
set(told "was acknowledged and is lost")
