# What is settled is known to the group and not to the log.
set(file actors/core/delivery_core.cpp)
set(from [=[  if (!done.ranges.empty()) out.push_back(write{name, std::move(done)});]=])
set(to [=[]=])
set(told "was settled, and is lent again")
