# A settle is answered when it is heard, not when it is written.
set(file actors/delivery.cpp)
set(from [=[  for (const auto shard : shards) when_written(self, shard, arrived);]=])
set(to [=[  all->first = 1;]=])
set(told "was settled, and is lent again")
