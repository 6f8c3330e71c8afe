# Who is refused for a quota is told to wait until nothing is there yet.
set(file actors/core/quota.cpp)
set(from [=[  return {paid_at_ns, paid_at_ns - now_ns - burst_ns + refill_ns};]=])
set(to [=[  return {paid_at_ns, (paid_at_ns - now_ns - burst_ns) / 2 + 1};]=])
set(told "is to wait again")
set(arguments --act quotas)
