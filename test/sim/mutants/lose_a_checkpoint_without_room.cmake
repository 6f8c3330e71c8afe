# The changes of a checkpoint for which there was no room are forgotten.
set(file actors/shard_checkpoint.cpp)
set(from [=[
        state.saving = false;
        if (!state.save_again_at)]=])
set(to [=[
        state.saving = false;
        state.unsaved.reset();
        if (!state.save_again_at)]=])
set(told "is not what its whole log says")
