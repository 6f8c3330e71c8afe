# A message of a key goes out before the log knows that it is lent.
set(file actors/delivery.cpp)
set(from [=[  if (s.record.mode == "keyed")
    s.outboxes]=])
set(to [=[  if (s.record.mode == "none")
    s.outboxes]=])
set(told "of its key is")
