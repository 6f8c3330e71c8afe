# A settle is answered when it is heard, not when it is written.
set(file actors/delivery_log.cpp)
set(from [=[const auto written = when_all(shards.size() + 1, std::move(then));
  for (const auto shard : shards) when_written(self, shard, written);]=])
set(to [=[const auto written = when_all(1, std::move(then));
  for (const auto shard : shards) flush_soon(self, shard);]=])
set(told "was settled, and is lent again")
