# A letter is closed, and only the memory knows that its message comes back.
set(file actors/delivery_letters.cpp)
set(from [=[  wish.effects.emplace_back(effects::waiting{s.record.group, *source, row});]=])
set(to [=[]=])
set(told "was brought back, and is lost")
