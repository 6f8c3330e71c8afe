# Recovery takes the older of the two synced states that a `.meta` file holds.
set(file storage/synced_meta.cpp)
set(from [=[(*slot)->sequence > newest->sequence]=])
set(to [=[(*slot)->sequence < newest->sequence]=])
set(told "was promised to survive and is lost")
