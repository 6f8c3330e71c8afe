# A checkpoint is saved while the log before it is not synced yet.
set(file actors/log_writer.cpp)
set(from [=[state.syncing.push_back({state.log->bounds().last, promise});]=])
set(to [=[state.syncing.push_back({entry_index{0}, promise});]=])
