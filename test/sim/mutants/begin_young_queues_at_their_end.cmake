# A queue that is younger than a consumer's name begins for it as all others.
set(file actors/core/broadcast_core.cpp)
set(from [=[  const bool younger = m.consumer.value != 0 && queue.value > m.consumer.value;]=])
set(to [=[  const bool younger = m.consumer.value != 0 && queue.value == m.consumer.value;]=])
set(told "and was to begin from 0 to 0")
set(arguments --act broadcast)
