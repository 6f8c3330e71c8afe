# A schedule that goes on sends for the times of its pause, too.
set(file actors/core/schedule_wishes.cpp)
set(from [=[  if (!paused) record.begin.handled = std::max(record.begin.handled, now);]=])
set(to [=[  if (!paused) record.begin.handled = std::min(record.begin.handled, now);]=])
set(told "and rested at least until")
set(arguments --act schedules)
