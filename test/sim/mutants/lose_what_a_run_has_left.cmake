# What is left of a nearly empty run of the index is not put anywhere else.
set(file storage/timer_index.cpp)
set(from [=[      ok = index_written(in.put(env_->table_at(table_rows), as_bytes(to), as_bytes(value)), path);
    if (!ok) return ok;
    runs_->went]=])
set(to [=[      ok = index_written(in.erase(env_->table_at(table_rows), as_bytes(to)), path);
    if (!ok) return ok;
    runs_->went]=])
set(told "messages for later still wait for their time")
set(arguments --act timers)
