# A member that is away for too long keeps its queues all the same.
set(file actors/core/group_seats.cpp)
set(from [=[  if (is_away(id)) free_seat(id, out);]=])
set(to [=[  if (!is_away(id)) free_seat(id, out);]=])
set(told "has no owner, and nobody is away")
set(arguments --act seats)
