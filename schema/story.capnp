@0xb86d1f04c2e97a35;
# Frames about what became of one message.

using Cxx = import "/capnp/c++.capnp";
using Common = import "common.capnp";
$Cxx.namespace("carafe::wire::story");

struct Question {
  topic @0 :Text;
  union {
    place :group {
      queueNumber @1 :UInt32;
      offset @2 :UInt64;
    }
    id :group {
      # As its receipt told it.
      producer @3 :UInt64;
      sequence @4 :UInt64;
      sinceMs @5 :Int64;
      # It is looked for from this time on; 0: from the log's beginning.
    }
  }
  group @6 :Text;
  # Empty: every group that reads the topic.
}

struct Story {
  # As the log tells it, and how it is now.
  topic @0 :Text;
  queueNumber @1 :UInt32;
  queue @2 :UInt64;
  hasPlace @3 :Bool;
  offset @4 :UInt64;
  # If `hasPlace`.
  producer @5 :UInt64;
  sequence @6 :UInt64;
  # 0: the node made it, or its beginning is not known any more.
  durability @7 :Common.Durability;
  state @8 :State;
  toldMs @9 :Int64;
  knownFromMs @10 :Int64;
  # Retention took the part of the log before; 0: it is told from its beginning.
  events @11 :List(Event);
  # Of the message itself, oldest first.
  groups @12 :List(GroupStory);
  groupsLeftOut @13 :UInt32;
  # There are so many more: ask for them one by one.
  dueMs @14 :Int64;
  # Of `pending`.

  enum State {
    unknown @0;
    # There is none, or not yet, or the log does not go back to it.
    pending @1;
    # It waits for its time.
    stored @2;
    deleted @3;
    # By retention.
    cancelled @4;
    dropped @5;
    # It waited for its time and could not be read then.
    prepared @6;
    # A half message: nobody sees it before its transaction is committed.
    rolledBack @7;
    # With its transaction: nobody sees it.
  }
}

struct GroupStory {
  group @0 :Text;
  consumer @1 :Text;
  # Of a `broadcast` group.
  mode @2 :Text;
  state @3 :State;
  events @4 :List(Event);
  eventsLeftOut @5 :UInt32;
  # From the middle of a long list.
  member @6 :Text;
  # Of `lent`: who has it; of `unread` in an ordered group: who reads the queue.
  untilMs @7 :Int64;
  # Of `lent`: the lease ends then, if it is not renewed. Of `waiting`: its next attempt.
  attempts @8 :UInt32;
  # Deliveries that failed since it was stored or brought back.
  error @9 :Text;
  # Of the last of them.
  offset @10 :UInt64;
  # Of `behind`: the message of its key that is not finished. Of `unread`: where the group reads on.
  letterQueue @11 :UInt64;
  letterOffset @12 :UInt64;
  # Of `dead`: its letter; 0: there is none.
  letterState @13 :LetterState;
  letterQueueNumber @14 :UInt32;

  enum LetterState { none @0; open @1; purged @2; redriven @3; lost @4; }

  enum State {
    unread @0;
    # The group has not come to it.
    ready @1;
    # It waits for a consumer with room.
    behind @2;
    lent @3;
    waiting @4;
    # For its next attempt.
    dying @5;
    # Its dead letter is being written.
    acknowledged @6;
    filtered @7;
    expired @8;
    dead @9;
    skipped @10;
    # The group began, or was set, behind it.
    lost @11;
    # Retention took it before it was dealt with.
    done @12;
    # Before `knownFromMs`, or just now: how is not in the log.
    unstarted @13;
    # The group has not begun to read the queue.
    heldUp @14;
    # As `unread`, and the group takes no new messages while as many wait as it allows (`waitingMax`).
  }
}

struct Event {
  kind @0 :Kind;
  timeMs @1 :Int64;
  offset @2 :UInt64;
  queue @3 :UInt64;
  dueMs @4 :Int64;
  attempt @5 :UInt32;
  member @6 :Text;
  error @7 :Text;
  transactionShard @8 :UInt16;
  transactionProducer @9 :UInt64;
  # 0: it was in no transaction, or in one that the log does not tell any more.
  transactionNumber @10 :UInt64;
  schedule @11 :Text;
  # Of `stored`: the schedule that sent it, for `dueMs`.

  enum Kind {
    other @0;
    stored @1;
    # At `offset`.
    storedForLater @2;
    # Until `dueMs`.
    moved @3;
    # To `dueMs`.
    fired @4;
    # Its time had come; it is at `offset` from then on.
    cancelled @5;
    dropped @6;
    deleted @7;
    # By retention: the queue begins at `offset`.
    began @8;
    # The group begins at `offset`.
    reset @9;
    # The group was set to `offset`.
    lent @10;
    # To `member`, for the delivery number `attempt`.
    returned @11;
    # Its lease was over without having failed; who has it next comes then.
    failed @12;
    # Delivery number `attempt`, with `error`; again at `dueMs`.
    acknowledged @13;
    # `offset` of ordered and broadcast groups: everything below it.
    filtered @14;
    # It does not pass. `offset` as of `acknowledged`.
    expired @15;
    # Of ordered and broadcast groups: who had not been sent it by then never was.
    dead @16;
    # After `attempt` failed deliveries, with `error`; its letter is at `offset` of `queue`.
    redriven @17;
    purged @18;
    # Its letter was.
    copied @19;
    # Since retention was about to pass it.
    gone @20;
    # There was nothing left to deliver.
    prepared @21;
    # As a half message of the transaction, of producers of the group `member`.
    committed @22;
    # The transaction: its message is stored in its own shard then.
    rolledBack @23;
    letterMoved @24;
    # Its letter was written again, since retention was about to pass it: it is at `offset` of `queue` from then on.
    letterLost @25;
    # Retention of its topic's own took the letter.
  }
}
