# What retention takes of a table is taken in but for the last message.
set(file actors/core/compaction.cpp)
set(from [=[    if (at < from || at >= until) continue;]=])
set(to [=[    if (at < from || at + 1 >= until) continue;]=])
set(told "is the last of its key")
set(arguments --act tables)
