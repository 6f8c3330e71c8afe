# Which queues are kept for a member with an id is forgotten when the node ends.
set(file actors/core/group_seats.cpp)
set(from [=[    if (state.owner.value == 0 && state.kept_for.value == 0) state.kept_for = id;]=])
set(to [=[    if (state.owner.value != 0 && state.kept_for.value == 0) state.kept_for = id;]=])
set(told "though nobody is away for too long")
set(arguments --act seats)
