# Who had a name before its holder may go on to send.
set(file actors/core/submit_names.cpp)
set(from [=[  if (*epoch != named.epoch) return]=])
set(to [=[  if (*epoch > named.epoch + 1) return]=])
set(told "was stored by a fenced holder")
set(arguments --act names)
