# What a member with an id had is not kept while it is away.
set(file actors/core/group_seats.cpp)
set(from [=[    if (!goes) state.kept_for = to;]=])
set(to [=[    if (!goes && taken != nullptr) state.kept_for = to;]=])
set(told "and is kept for")
set(arguments --act seats)
