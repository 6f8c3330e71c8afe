# After a restart a named consumer begins one message too late.
set(file actors/broadcast_log.cpp)
set(from [=[what->committed[row.queue] = row.progress.next;]=])
set(to [=[what->committed[row.queue] = row.progress.next + 1;]=])
set(told "and has committed")
set(arguments --act broadcast)
