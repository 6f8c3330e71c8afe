# The oldest message waits longer for its turn than is promised.
set(file actors/core/delivery_lend.cpp)
set(from [=[  if (queue.passed_over >= passed_over_max && give({oldest, 1})) {]=])
set(to [=[  if (queue.passed_over >= passed_over_max + 5 && give({oldest, 1})) {]=])
set(told "is passed over by 101")
set(arguments --act ranks)
