# The changes of a checkpoint for which there was no room are forgotten.
set(file actors/shard_checkpoint.cpp)
set(from [=[
  s.saving = false;
  if (!s.save_again_at)]=])
set(to [=[
  s.saving = false;
  s.unsaved.reset();
  if (!s.save_again_at)]=])
# Behind one that ends in an assertion.
set(seed 30)
set(told "is not what its whole log says")
