# An index can be written twice in one term.
set(file actors/raft/replica.cpp)
set(from [=[start.vote = storage::vote{term{vote->term.value + 1}, 0};]=])
set(to [=[start.vote = storage::vote{term{vote->term.value}, 0};]=])
set(told "was written twice in one term")
