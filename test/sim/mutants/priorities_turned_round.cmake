# Of what can be lent the lowest priority goes first.
set(file actors/core/delivery_lend.cpp)
set(from [=[  for (unsigned priority = priority_max + 1; priority-- > 0;) {]=])
set(to [=[  for (unsigned turned = priority_max + 1; turned-- > 0;) {
    const auto priority = priority_max - turned;]=])
set(told "is lent after offset")
set(arguments --act ranks)
