# After a restart members with ids have nothing to come back to.
set(file actors/group_seats.cpp)
set(from [=[    s.core->restore(member, std::move(m), seat.queues);]=])
set(to [=[    s.core->restore(member, std::move(m), {});]=])
set(told "while it is kept for")
set(arguments --act seats)
