# After a restart the first entry after the checkpoint is not folded.
set(file actors/raft/replica.cpp)
set(from [=[self->fold(entry->header.time, entry->effects);]=])
set(to [=[if (start.entries.size() > 1) self->fold(entry->header.time, entry->effects);]=])
set(told "invariant broken: e.base == queue.next")
