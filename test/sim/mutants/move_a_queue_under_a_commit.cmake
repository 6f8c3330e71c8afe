# A queue goes to its next owner while a commit of the one before is under way.
set(file actors/core/group_core.cpp)
set(from [=[if (committed) state.committed = committed;
  if (state.owner.value == 0) rebalance(out);]=])
set(to [=[if (committed && state.owner.value != 0) state.committed = committed;
  if (state.owner.value == 0) rebalance(out);]=])
set(told "was assigned, but committed was")
