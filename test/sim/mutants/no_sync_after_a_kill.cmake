# What a killed process had acknowledged in `interval` mode is not synced by the next one.
set(file actors/shard.cpp)
set(from [=[if (const auto bounds = s.log->bounds(); bounds.synced < bounds.last) arm_sync(self);]=])
set(to [=[]=])
set(told "in interval mode, is not synced beyond entry")
