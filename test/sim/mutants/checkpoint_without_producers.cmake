# Producers' sequences are not in the checkpoint.
set(file actors/core/shard_state.cpp)
set(from [=[
  record.recent.push_back({e.first, e.count, e.base, time_});
  dirty_.insert(row_key::of(key));]=])
set(to [=[
  record.recent.push_back({e.first, e.count, e.base, time_});]=])
set(told "is not what its whole log says")
