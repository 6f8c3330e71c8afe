# Retention drops segments when the queues' starts are raised, and does not wait for a checkpoint.
set(file actors/shard_checkpoint.cpp)
set(from [=[
    s.drop = shard_state_data::drop_plan{plan.first, s.replica->applied()};
    return;
  }
  auto index =]=])
set(to [=[
    s.drop = shard_state_data::drop_plan{plan.first, s.replica->checkpoint_index()};
    return;
  }
  auto index =]=])
