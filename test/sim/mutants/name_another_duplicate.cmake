# Who sends a duplicate is told of the first message of the batch that has the one with its id.
set(file actors/core/id_table.cpp)
set(from [=[  return place{offset{(seen.row >> 1) + seen.index}, ]=])
set(to [=[  return place{offset{seen.row >> 1}, ]=])
set(told "is told to be a duplicate of")
set(arguments --act ids)
