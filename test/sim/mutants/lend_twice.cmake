# What was ready is ready still when it was lent.
set(file actors/core/delivery_lend.cpp)
set(from [=[at = queue.ready.erase(at);]=])
set(to [=[++at;]=])
set(told "is lent to two members")
