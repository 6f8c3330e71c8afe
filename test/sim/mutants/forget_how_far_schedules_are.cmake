# After a start the first step of a schedule counts, not the last.
set(file actors/core/schedule_core.cpp)
set(from [=[  if (progress.step > at->second.now.step) at->second.now = progress;]=])
set(to [=[  if (progress.step < at->second.now.step) at->second.now = progress;]=])
set(told "comes twice")
set(arguments --act schedules)
