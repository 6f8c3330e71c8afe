# The queues of a member with an id go to others as soon as it is away.
set(file actors/core/group_core.cpp)
set(from [=[    keep(id, id, nullptr);]=])
set(to [=[    keep(id, member_id{0}, nullptr);]=])
set(told "while it is kept for")
set(arguments --act seats)
