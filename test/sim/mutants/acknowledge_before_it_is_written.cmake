# The log writer tells that a group is written before it writes it.
set(file actors/log_writer.cpp)
set(from [=[
  auto ok = s.log->append(group.writes);
  if (ok) {]=])
set(to [=[
  self->send(s.shard, written_atom_v, write_done{group.last, group.bytes, 0});
  auto ok = s.log->append(group.writes);
  if (ok) {
    return true;]=])
