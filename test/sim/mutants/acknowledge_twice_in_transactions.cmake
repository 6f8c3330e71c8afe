# Whether a message was acknowledged before is not asked at the commit.
set(file actors/shard_transactions.cpp)
set(from [=[    if (auto ok = check_acknowledged(self, consumed); !ok) {]=])
set(to [=[    if (auto ok = check_acknowledged(self, {}); !ok) {]=])
set(told "are committed, and both acknowledge")
set(arguments --act transactions)
