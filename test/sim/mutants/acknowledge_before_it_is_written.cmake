# The log writer tells that a group is written when it comes, also if it then waits for room.
set(file actors/log_writer.cpp)
set(from [=[
  auto ok = s.log->append(group.writes);
  if (ok) {]=])
set(to [=[
  if (s.waiting.empty())
    self->send(s.shard, written_atom_v, write_done{group.last, group.bytes, 0});
  auto ok = s.log->append(group.writes);
  if (ok) {
    look_for_room(self);
    return true;]=])
# Behind runs that never end with this mistake.
set(seed 50)
set(told "was promised to survive")
