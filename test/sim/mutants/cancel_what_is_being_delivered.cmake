# Who cancels a message for later that is being delivered is told that it was in time.
set(file actors/timer_requests.cpp)
set(from [=[    if (!s.core.claim(row->at)) continue;]=])
set(to [=[    if (!s.core.claim(row->at) && s.core.near() == 0) continue;]=])
set(told "queue.timers_pending >= e.which.size()")
set(arguments --act timers)
