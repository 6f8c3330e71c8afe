# Who had a queue before, and has it again, may commit as who it was.
set(file actors/core/group_core.cpp)
set(from [=[  if (at == queues_.end() || at->second.owner != id || at->second.current != owner) return nullptr;]=])
set(to [=[  if (at == queues_.end() || at->second.owner != id || at->second.current < owner) return nullptr;]=])
set(told "which it had lost before")
set(arguments --act seats)
