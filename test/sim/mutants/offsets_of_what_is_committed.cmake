# Offsets are given without regard to what is in flight.
set(file actors/core/submit_window.cpp)
set(from [=[return at == queues_.end() ? record.next : at->second.next;]=])
set(to [=[return at == queues_.end() ? record.next : record.next;]=])
set(told "invariant broken: e.base == queue.next")
