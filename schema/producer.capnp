@0xe1b94c6a5d20f737;
# Frames about named producers, and about messages that were stored before.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire::producer");

struct Request {
  union {
    open @0 :Text;
    # This name is the client's from now on; whoever had it before is fenced. Answered with
    # `opened`.
    progress :group {
      # Of its present holder, in one topic. Answered with `progress`.
      name @1 :UInt64;
      epoch @2 :UInt32;
      topic @3 :Text;
    }
    list @4 :Void;
    # Answered with `names`.
    forget @5 :Text;
    # The name goes, with all that is known of it. Answered with `ok`.
  }
}

struct Answer {
  union {
    opened :group {
      name @0 :UInt64;
      epoch @1 :UInt32;
    }
    progress :group {
      spread @2 :UInt32;
      # Over so many of the topic's queues, from number 0 on, the name's messages are spread; 0: it
      # has none here yet.
      queues @3 :List(Place);
    }
    names @4 :List(Name);
    duplicates @5 :List(Duplicate);
    # To `produce`: nothing of the batch is stored, because these of its messages are already.
  }

  struct Place {
    queue @0 :UInt64;
    last @1 :UInt64;
    # The highest number that is stored there.
  }

  struct Name {
    name @0 :Text;
    id @1 :UInt64;
    epoch @2 :UInt32;
    createdMs @3 :Int64;
    openedMs @4 :Int64;
  }

  struct Duplicate {
    index @0 :UInt32;
    # In the batch, from 0.
    offset @1 :UInt64;
    # Of the one that is stored.
    timed @2 :Bool;
    # It was for later: `offset` counts the queue's messages for later.
  }
}
