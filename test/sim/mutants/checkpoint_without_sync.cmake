# The log of an unsynced shard is not synced before a checkpoint of it is saved.
set(file actors/shard_checkpoint.cpp)
set(from [=[if (s.options.mode == durability::fsync) {]=])
set(to [=[if (s.replica) {]=])
set(told "the checkpoint is of entry")
