# A letter is written, and its message is not finished.
set(file actors/delivery_burial.cpp)
set(from [=[  wish.effects.emplace_back(effects::settled{
    s.record.group, what.queue, {{what.at, 1}}, batch ? reason::dead : reason::gone});]=])
set(to [=[  (void)reason::dead;]=])
set(told "is dead, and is lent again")
