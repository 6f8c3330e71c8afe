# Recovery does not take back what was written after the last sync.
set(file storage/log_recovery.cpp)
set(from [=[  if (auto done = raw->write(*segment.restored, 0); !done) return done;]=])
set(to [=[]=])
set(told "Key/data pair already exists")
