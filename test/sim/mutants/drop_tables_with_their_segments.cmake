# Retention does not wait until what is to be kept of a table is taken in.
set(file actors/shard_latest.cpp)
set(from [=[  return record != nullptr && record->compacted && horizon_of(s, queue, *record) < end;]=])
set(to [=[  return record != nullptr && record->compacted && end < horizon_of(s, queue, *record);]=])
set(told "of a table is read up to")
set(arguments --act tables)
