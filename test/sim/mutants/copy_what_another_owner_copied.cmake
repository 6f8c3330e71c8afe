# Whether the group is further already is not asked at the commit.
set(file actors/core/transaction_entry.cpp)
set(from [=[  if (const auto* progress = state.progress(key)) view.next = progress->next;]=])
set(to [=[]=])
set(told "is copied twice")
set(arguments --act copies)
