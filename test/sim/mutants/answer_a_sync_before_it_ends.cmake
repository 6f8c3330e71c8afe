# Who asks for a sync is answered when it begins: a checkpoint is saved before the log is synced.
set(file actors/log_writer.cpp)
set(from [=[state.syncing.push_back({state.log->bounds().last, promise});]=])
set(to [=[
state.syncing.push_back({state.log->bounds().last, {}});
      promise.deliver(state.log->bounds().last);]=])
set(told "the checkpoint is of entry")
