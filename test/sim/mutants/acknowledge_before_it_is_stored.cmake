# The producer gets its receipt when its batch is submitted, not when it is committed.
set(file actors/shard.cpp)
set(from [=[
  waiters.appends.push_back({promise, pending.joined});
  pump_writes(self);
  return promise;]=])
set(to [=[
  promise.deliver(append_done{pending.base, request.count, s.clocks->wall(), s.options.mode, false});
  pump_writes(self);
  return promise;]=])
