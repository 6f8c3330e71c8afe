# What does not pass the filter is lent all the same.
set(file actors/core/delivery_core.cpp)
set(from [=[  if (batch->passes) leave_out(id, *queue, *batch, out);]=])
set(to [=[]=])
set(told "does not pass the group")
