# Dead letters that retention is about to pass end, and are not written again.
set(file actors/core/kept_copies.cpp)
set(from [=[    out.emplace_back(batch_for(whose.queue, std::move(*encoded)));
]=])
set(to [=[]=])
set(told "is gone, and nobody has dealt with it")
