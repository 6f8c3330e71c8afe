@0xc57e91d3b60a48f2;
# Frames about messages that wait for their time of delivery.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire::timer");

struct Selection {
  # Pending messages of one topic.
  topic @0 :Text;
  union {
    id :group {
      # The one with this message id.
      producer @1 :UInt64;
      sequence @2 :UInt64;
    }
    name @3 :Text;
    # All whose property `carafe-timer` this is.
  }
}

struct End {
  which @0 :Selection;
}

struct Move {
  which @0 :Selection;
  deliverAtMs @1 :Int64;
  # Unix ms; below 0: so many ms from now.
}

struct Query {
  topic @0 :Text;
  after @1 :Int64;
  # Those due after this time, Unix ms.
  limit @2 :UInt32;
  # At most so many; 0: as many as the node gives in one answer.
  afterQueue @3 :UInt64;
  afterNumber @4 :UInt64;
  # With a queue: those behind the one due at `after` with this queue and number, also ones due at
  # the same time; how to go on behind the last of an answer.
}

struct Pending {
  timers @0 :List(Timer);
  # The soonest first.
  total @1 :UInt64;
  # How many the topic has.

  struct Timer {
    dueMs @0 :Int64;
    queueNumber @1 :UInt32;
    queue @2 :UInt64;
    number @3 :UInt64;
    producer @4 :UInt64;
    sequence @5 :UInt64;
    name @6 :Text;
    key @7 :Text;
    bodyBytes @8 :UInt64;
    armedMs @9 :Int64;
  }
}
