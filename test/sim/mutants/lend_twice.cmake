# What was ready is ready still when it was lent.
set(file actors/core/delivery_lend.cpp)
set(from [=[for (const auto& range : chosen) queue.ready.erase(range);]=])
set(to [=[]=])
set(told "is lent to two members")
