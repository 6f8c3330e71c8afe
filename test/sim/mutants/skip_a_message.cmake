# A reader's place is one message too far after each batch.
set(file actors/core/queue_core.cpp)
set(from [=[reader.next = after;]=])
set(to [=[reader.next = after + 1;]=])
set(told "was its turn")
