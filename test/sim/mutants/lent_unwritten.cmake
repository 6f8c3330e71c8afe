# A group's actor hands over before the log has what it lent last.
set(file actors/delivery_end.cpp)
set(from [=[
    if (box.writing || !box.gathering.wish.effects.empty()) return;
  s.ended = true;]=])
set(to [=[
    if (box.writing) return;
  s.ended = true;]=])
set(told "is lent to two members|is called lost while its lease runs|is lent while offset")
