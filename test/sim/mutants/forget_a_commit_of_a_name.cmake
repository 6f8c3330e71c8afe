# What a named consumer has committed counts only after a restart.
set(file actors/core/broadcast_core.cpp)
set(from [=[  --place->commits_in_flight;
  if (committed) place->committed = committed;]=])
set(to [=[  --place->commits_in_flight;
  if (committed && !place->committed) place->committed = committed;]=])
set(told "and has committed")
set(arguments --act broadcast)
