# After a start nobody knows that there is more of a table than its log has.
set(file actors/latest_messages.cpp)
set(from [=[  for (const auto& each : *kept) horizons_.emplace(each.queue, each.horizon);]=])
set(to [=[]=])
set(told "was missing before")
set(arguments --act tables)
