@0xe1b2f7a94c3d5086;
# Schedules: messages that the node sends by itself, again and again. Frames about them, and what
# the log says of them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire::schedule");

enum Missed { skip @0; once @1; all @2; }
# What is sent for times that passed while the node could not: nothing, one message for the last of
# them, or one for each.

struct Definition {
  name @0 :Text;
  topic @1 :Text;
  when :union {
    cron :group {
      expression @2 :Text;
      zone @3 :Text;
      # Such as Europe/Berlin; empty: UTC.
    }
    every :group {
      intervalMs @4 :UInt64;
      fromMs @5 :Int64;
      # The first time, Unix ms; 0: an interval after the schedule was made.
    }
  }
  missed @6 :Missed;
  untilMs @7 :Int64;
  # Nothing is sent for times after it; 0: no end.
  countMax @8 :UInt64;
  # It ends after so many messages; 0: no end.
  message @9 :Data;
  # A batch (batch.capnp) of one message, not compressed and without a time of delivery.
}

struct Progress {
  step @0 :UInt64;
  # Rises with each change; of several rows of one schedule, that with the highest counts.
  fired @1 :UInt64;
  # Messages sent.
  missed @2 :UInt64;
  # Times for which none was sent, because they had passed.
  failed @3 :UInt64;
  # Times for which none could be sent.
  handledMs @4 :Int64;
  # All times up to it are dealt with.
  lastDueMs @5 :Int64;
  lastFiredMs @6 :Int64;
  # The time that the last message was for, and when it was sent; 0: none was.
  error @7 :Text;
  # Why the last one of `failed` was.
}

struct Record {
  schedule @0 :UInt64;
  # Chosen at random; never 0.
  definition @1 :Definition;
  paused @2 :Bool;
  createdMs @3 :Int64;
  begin @4 :Progress;
  # Where it is unless a later step says otherwise.
}

struct Fired {
  # Of a message: its batch is in the same entry.
  schedule @0 :UInt64;
  progress @1 :Progress;
}

struct Put {
  union {
    make @0 :Definition;
    pause @1 :Text;
    resume @2 :Text;
    # By name. Times that passed during a pause are not missed.
  }
  ifMissing @3 :Bool;
  # When made: the same schedule being there already is no error.
}

struct Query {
  name @0 :Text;
  # The one of this name, with its message; empty: all, without.
  after @1 :Text;
  # Those whose names come after it.
  limit @2 :UInt32;
  # At most so many; 0: as many as the node gives in one answer.
}

struct Schedules {
  schedules @0 :List(Line);
  # By name.
  total @1 :UInt64;
  # How many there are.

  struct Line {
    definition @0 :Definition;
    progress @1 :Progress;
    paused @2 :Bool;
    createdMs @3 :Int64;
    nextMs @4 :Int64;
    # 0: none comes any more.
    problem @5 :Text;
    # Why nothing is sent at the moment.
    bodyBytes @6 :UInt64;
  }
}
