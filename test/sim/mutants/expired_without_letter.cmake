# What is too old is dropped also where the group wants dead letters of it.
set(file actors/core/delivery_expiry.cpp)
set(from [=[  if (!options_.how.expired_to_dead_letters) {]=])
set(to [=[  if (!options_.how.expired_to_dead_letters || options_.how.attempts_max > 1) {]=])
set(told "and it was to have one")
set(arguments --act ranks)
