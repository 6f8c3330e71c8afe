@0x9d35c81e7fa2604b;
# Frames of members of `shared` and `keyed` groups.

using Cxx = import "/capnp/c++.capnp";
using Common = import "common.capnp";
$Cxx.namespace("carafe::wire");

struct QueueRanges {
  queue @0 :UInt64;
  ranges @1 :List(Common.OffsetRange);
}

struct Leased {
  # Messages that the member has from now on, until it settles them or their lease ends.
  subscription @0 :UInt64;
  topic @1 :Text;
  queueNumber @2 :UInt32;
  queue @3 :UInt64;
  ranges @4 :List(Common.OffsetRange);
  attempt @5 :UInt32;
  # Which delivery of these messages it is, from 1.
  brokerTimeMs @6 :Int64;
  producer @7 :UInt64;
  sequence @8 :UInt64;
  baseOffset @9 :UInt64;
  # Message at offset o has sequence `sequence` + o - `baseOffset`.
  codec @10 :Common.Codec;
  checksum @11 :UInt32;
  batch @12 :Data;
  batchCount @13 :UInt32;
  # 0: `batch` has exactly the messages of `ranges`, in order. Otherwise it has so many, with offsets from `baseOffset`
  # on, and those outside `ranges` are not the member's.
}

struct Settle {
  # Answered with `ok` once it is as durable as the queues' messages.
  member @0 :UInt64;
  done @1 :List(QueueRanges);
  failed @2 :List(Failed);
  returned @3 :List(QueueRanges);
  # Not begun, and not wanted: another member may have them, and that is no failure.

  struct Failed {
    queue @0 :UInt64;
    offset @1 :UInt64;
    dead @2 :Bool;
    # Never again: it goes to the dead letters.
    hasDelay @3 :Bool;
    # Otherwise the group's back-off decides.
    delayMs @4 :UInt64;
    error @5 :Text;
  }
}

struct Renew {
  # The leases of everything that the member has begin anew.
  member @0 :UInt64;
  held @1 :List(QueueRanges);
  # After a reconnection: what it still works on.
}

struct Renewed {
  lost @0 :List(QueueRanges);
  # Of `held`: what others have, or what is finished.
}

struct DeadLetters {
  # Those of one queue of the group's topic of dead letters.
  queue @0 :UInt64;
  queueNumber @1 :UInt32;
  open @2 :List(Common.OffsetRange);
}

struct Redrive {
  group @0 :Text;
  letters @1 :List(QueueRanges);
  # Queues and offsets of the topic of dead letters.
  purge @2 :Bool;
  # They are dealt with otherwise: the group gets none of them again.
}

struct Redriven {
  # What became of one of them, in the order of asking.
  queue @0 :UInt64;
  offset @1 :UInt64;
  code @2 :UInt16;
  # 0: it is done. Otherwise an error's number.
  detail @3 :Text;
}
