# What is rolled back is counted as committed.
set(file actors/core/transaction_table.cpp)
set(from [=[  (e.committed ? counts_.committed : counts_.rolled_back) += record.messages;]=])
set(to [=[  (e.committed ? counts_.committed : counts_.committed) += record.messages;]=])
set(told "half messages are said to have been prepared")
set(arguments --act transactions)
