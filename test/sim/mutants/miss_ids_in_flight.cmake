# Whether a message with the same id is being stored is not looked at.
set(file actors/core/submit_names.cpp)
set(from [=[    if (flights == ids_.end()) continue;]=])
set(to [=[    if (flights == ids_.end() || flights->first == request.queue) continue;]=])
set(told "ms after the one at offset")
set(arguments --act ids)
