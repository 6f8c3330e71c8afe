# The end of a key is not taken in.
set(file actors/core/compaction.cpp)
set(from [=[    if (message.key.empty()) continue;]=])
set(to [=[    if (message.key.empty() || message.body.empty()) continue;]=])
set(told "was ended by")
set(arguments --act tables)
