# A message is lent for a while after its time to live.
set(file actors/core/delivery_expiry.cpp)
set(from [=[batch.expires[at.value - batch.what.base.value] <= now.wall &&]=])
set(to [=[batch.expires[at.value - batch.what.base.value].value + 200 <= now.wall.value &&]=])
set(told "is lent, and was too old")
set(arguments --act ranks)
