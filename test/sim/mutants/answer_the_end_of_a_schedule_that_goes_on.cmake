# A schedule is not deleted, and that is answered.
set(file actors/core/schedule_wishes.cpp)
set(from [=[  return decision{effects::schedule_deleted{there->id}, name};]=])
set(to [=[  return decision{std::nullopt, name};]=])
set(told "after it was deleted")
set(arguments --act schedules)
