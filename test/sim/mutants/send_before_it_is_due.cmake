# Schedules send what is due soon.
set(file actors/schedules.cpp)
set(from [=[  const auto now = s.clocks->wall();]=])
set(to [=[  const unix_ms now{s.clocks->wall().value + 700};]=])
set(told "came before its time")
set(arguments --act schedules)
