# A message for later is delivered a little before its time.
set(file actors/timers.cpp)
set(from [=[for (const auto& each : s.core.due(s.clocks->wall())) deliver(self, each);]=])
set(to [=[for (const auto& each : s.core.due(unix_ms{s.clocks->wall().value + 40})) deliver(self, each);]=])
set(told "which is before its time")
set(arguments --act timers)
