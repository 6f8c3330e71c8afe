# A transaction of an ordered group shows its messages, and the group stays where it was.
set(file actors/core/transaction_entry.cpp)
set(from [=[        to.emplace_back(effects::commit{each.group, each.queue, next});]=])
set(to [=[        continue;]=])
set(told "is copied twice")
set(arguments --act copies)
