# What was moved out of a run of the index when that was nearly empty is not found any more.
set(file storage/timer_index.cpp)
set(from [=[  if (!out)
    if (auto ok = look(no_run); !ok) return ok.error();]=])
set(to [=[  if (!out && at.number == 0)
    if (auto ok = look(no_run); !ok) return ok.error();]=])
set(told "for later was delivered, and is listed")
set(arguments --act timers)
