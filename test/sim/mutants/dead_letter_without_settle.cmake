# A letter is written, and its message is not finished.
set(file actors/delivery_log.cpp)
set(from [=[  wish.effects.emplace_back(effects::settled{s.record.group, what.queue, {{what.at, 1}}});]=])
set(to [=[]=])
set(told "is dead, and is lent again")
