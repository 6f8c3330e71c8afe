# A retry of what is in flight is told that it is stored.
set(file actors/core/submit_window.cpp)
set(from [=[
      if (batch.first == request.first && batch.count == request.count)
        return stamp{stamp_joins{batch.index, batch.base}};]=])
set(to [=[
      if (batch.first == request.first && batch.count == request.count)
        return {errc::duplicate_too_old, "it is being stored"};]=])
set(told "was said to be stored and is lost")
