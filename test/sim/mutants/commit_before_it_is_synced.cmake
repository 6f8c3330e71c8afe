# Other shards take their parts of a commit that a power failure may still take from its own.
set(file actors/shard_transactions.cpp)
set(from [=[if (s.options.mode == durability::fsync || parts.parts.empty()) return parts;]=])
set(to [=[if (s.options.mode == durability::fsync || s.log) return parts;]=])
set(told "is committed, and of")
set(arguments --act transactions)
