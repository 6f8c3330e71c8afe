# A commit forgets what other shards have of it.
set(file actors/shard_transactions.cpp)
set(from [=[      end.owes = core::other_shards(own(self), *row);]=])
set(to [=[]=])
set(told "is committed, and of")
set(arguments --act transactions)
