# A member's limit is not kept.
set(file actors/core/delivery_lend.cpp)
set(from [=[member.demand == 0 || member.in_flight >= member.in_flight_max ||]=])
set(to [=[member.demand == 0 ||]=])
set(told "its limit is")
