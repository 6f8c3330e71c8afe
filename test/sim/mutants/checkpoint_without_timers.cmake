# A checkpoint is saved, and the index of what waits for its time has not got what it says.
set(file actors/timer_store.cpp)
set(from [=[auto ok = self->state.index->change(put, what.ended);]=])
set(to [=[auto ok = self->state.index->change({}, what.ended);]=])
set(told "waits for its time, and is not listed")
set(arguments --act timers)
