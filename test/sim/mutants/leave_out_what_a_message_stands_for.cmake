# A message for missed times does not say how many they are.
set(file actors/core/schedule_core.cpp)
set(from [=[  out.passed = sends ? chosen : chosen + 1;]=])
set(to [=[  out.passed = sends ? 0 : chosen + 1;]=])
set(told "is lost: it has sent up to")
set(arguments --act schedules)
