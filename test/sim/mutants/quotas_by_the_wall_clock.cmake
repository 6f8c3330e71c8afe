# A quota goes by a clock that people set.
set(file actors/net/session_quotas.cpp)
set(from [=[  const auto now = s.context->clocks->monotonic();
  if (topic) {]=])
set(to [=[  const mono_ms now{static_cast<std::uint64_t>(s.context->clocks->wall().value)};
  if (topic) {]=])
set(told "ms, and the produce quota is")
set(arguments --act quotas)
