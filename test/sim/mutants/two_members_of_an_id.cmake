# Whoever has some holder of its own takes the seat of another one's.
set(file actors/core/group_core.cpp)
set(from [=[    if (!had.away && (had.holder == 0 || had.holder != m.holder))]=])
set(to [=[    if (!had.away && m.holder == 0)]=])
set(told "is in the group, and so is")
set(arguments --act seats)
