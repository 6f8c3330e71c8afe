@0xe2a94d17c05b836f;
# Frames about messages of one key.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire::keyfind");

struct Question {
  # Messages of one queue.
  topic @0 :Text;
  queueNumber @1 :UInt32;
  key @2 :Data;
  # Not empty.
  from @3 :UInt64;
  # From this offset on; of what follows an answer, its `next`.
  until @4 :UInt64;
  # Below this offset; 0: to the queue's end.
  sinceMs @5 :Int64;
  # Stored at this time or later; 0: at any.
  beforeMs @6 :Int64;
  # Stored before this time; 0: at any.
  limit @7 :UInt32;
  # At most so many; 0: as many as the node gives in one answer.
}

struct Answer {
  offsets @0 :List(UInt64);
  # Ascending.
  next @1 :UInt64;
  # Everything below was looked for.
  more @2 :Bool;
  # There may be more from `next` on.
  looked @3 :UInt64;
  # So many messages were read for it.
}
