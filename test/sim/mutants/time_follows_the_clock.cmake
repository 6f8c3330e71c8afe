# Broker time falls when somebody sets the machine's clock back.
set(file actors/raft/replica.cpp)
set(from [=[stamped_ = std::max(stamped_, wall);]=])
set(to [=[stamped_ = wall;]=])
set(told "has an earlier time than")
