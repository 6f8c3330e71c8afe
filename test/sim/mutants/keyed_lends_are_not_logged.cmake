# The log does not learn what of a key is lent, so another of the key goes out after a crash.
set(file actors/core/delivery_lend.cpp)
set(from [=[effects::lent{options_.group, what.queue, what.ranges, {}}]=])
set(to [=[effects::lent{options_.group, what.queue, options_.keyed ? std::vector<offset_range>{} : what.ranges, {}}]=])
set(seed 20001)
set(told "is lent to two members")
