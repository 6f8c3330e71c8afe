# The last synced state of a segment is not kept beside it.
set(file storage/data_dir.cpp)
set(from [=[settings.keep_meta_file = options.testing.keep_meta_file;]=])
set(to [=[settings.keep_meta_file = false;]=])
set(told "/shard-1000/log-")
