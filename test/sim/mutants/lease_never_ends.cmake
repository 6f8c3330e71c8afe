# A lease lasts for ever.
set(file actors/core/delivery_core.cpp)
set(from [=[      if (held.ends > now.mono) {]=])
set(to [=[      if (held.ends.value > 0) {]=])
set(told "does not finish")
