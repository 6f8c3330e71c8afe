# A failure that is not the first is not counted.
set(file actors/core/delivery_state.cpp)
set(from [=[  row.attempts = attempts + 1;]=])
set(to [=[  row.attempts = 1;]=])
set(told "came as attempt")
