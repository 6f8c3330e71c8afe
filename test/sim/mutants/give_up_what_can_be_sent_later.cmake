# What a schedule cannot send at once it does not send.
set(file actors/schedule_firing.cpp)
set(from [=[  if (passes(why))
    hold(self, step, why);]=])
set(to [=[  if (passes(why) && why.code == errc::queue_unknown)
    hold(self, step, why);]=])
set(told "has failed")
set(arguments --act schedules)
