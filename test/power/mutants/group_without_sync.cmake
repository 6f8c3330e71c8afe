# A log of `fsync` mode does not sync its groups.
set(file storage/active_segment.cpp)
set(from [=[
                                       .tables = segment_tables,
                                       .unsynced = settings.unsynced,]=])
set(to [=[
                                       .tables = segment_tables,
                                       .unsynced = true,]=])
set(told "/shard-0/log-")
