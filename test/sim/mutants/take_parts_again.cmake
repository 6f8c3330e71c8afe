# A shard that is offered its parts again, as after a kill, takes them again.
set(file actors/shard_transactions.cpp)
set(from [=[  const auto applied = state.transactions().applied(what.from);]=])
set(to [=[  const std::uint64_t applied = 0;]=])
set(told ", and at offset")
set(arguments --act transactions)
