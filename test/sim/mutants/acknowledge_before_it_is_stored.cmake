# The producer gets its receipt, as it will be, when its batch is handed to the log writer, not when
# it is committed.
set(file actors/shard.cpp)
set(from [=[
    self->send(s.writer, write_atom_v, std::move(*group));]=])
set(to [=[
    for (const auto& write : group->writes) {
      const auto at = s.waiting.find(write.entry->header.index);
      if (at == s.waiting.end() || write.rows.empty()) continue;
      const auto& row = write.rows.front();
      for (auto& waiter : at->second.appends)
        waiter.promise.deliver(
          append_done{row.base, row.count, row.time, s.options.mode, waiter.duplicate});
      at->second.appends.clear();
    }
    self->send(s.writer, write_atom_v, std::move(*group));]=])
set(told "was promised to survive")
