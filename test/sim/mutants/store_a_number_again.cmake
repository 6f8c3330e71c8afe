# The last number of a name's that a queue has is taken for a new one.
set(file actors/core/submit_names.cpp)
set(from [=[  if (named.first > last) return {};]=])
set(to [=[  if (named.first >= last) return {};]=])
set(told "it is there twice")
set(arguments --act names)
