# A settle is answered when it is heard, not when it is written.
set(file actors/delivery_log.cpp)
set(from [=[for (const auto shard : shards) when_written(self, shard, written);]=])
set(to [=[if (!shards.empty()) self->state.outboxes[*shards.begin()].soon |= false;
  open->first = 1;]=])
set(told "was settled, and is lent again")
