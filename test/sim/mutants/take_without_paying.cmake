# What is taken from a quota is not paid for.
set(file actors/core/quota.cpp)
set(from [=[  if (paid_at_ns < now_ns + burst_ns) return {charge(paid_at_ns, bytes, now_ns), 0};]=])
set(to [=[  if (paid_at_ns < now_ns + burst_ns) return {charge(paid_at_ns, bytes / 2, now_ns), 0};]=])
set(told "and the produce quota is")
set(arguments --act quotas)
