# Deduplication is skipped for what is stored already.
set(file actors/core/submit_window.cpp)
set(from [=[const auto* known = committed_->producer(key);]=])
set(to [=[const producer_record* known = nullptr;]=])
set(told "got two receipts that differ")
