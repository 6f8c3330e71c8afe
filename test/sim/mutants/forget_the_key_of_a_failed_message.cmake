# A message that failed holds its key no more.
set(file actors/core/delivery_state.cpp)
set(from [=[  queue.progress.put(row);
  if (pause == 0)]=])
set(to [=[  queue.progress.put(row);
  leave_lines(id, queue, {at, 1});
  if (pause == 0)]=])
set(told "is lent after a later one of its key")
