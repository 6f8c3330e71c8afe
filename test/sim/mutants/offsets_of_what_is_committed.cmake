# Offsets are given without regard to what is in flight.
set(file actors/core/submit_window.cpp)
set(from [=[if (at != flights.end()) return at->second.next;]=])
set(to [=[if (at != flights.end() && timed) return at->second.next;]=])
set(told "invariant broken: e.base == queue.next")
