# The group's pauses are not kept.
set(file actors/core/delivery_state.cpp)
set(from [=[  return spread == 0 ? pause : pause - dice_(spread + 1);]=])
set(to [=[  return spread;]=])
set(told "before its pause was over")
