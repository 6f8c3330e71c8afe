# Of messages for later that are delivered together one waits on, as the log has it.
set(file actors/timers.cpp)
set(from [=[fired, keys_of(taken)});]=])
set(to [=[fired, keys_of(taken.first(std::max<std::size_t>(taken.size() - 1, 1)))});]=])
set(told "for later is delivered at offset")
set(arguments --act timers)
