@0xc3f5a0ad91c25e37;
# What a shard's log and checkpoint hold. An entry's payload batches lie behind this message as
# attachments (docs/architecture.md, "A log entry's bytes").

using Cxx = import "/capnp/c++.capnp";
using Common = import "common.capnp";
using Transaction = import "transaction.capnp";
using Schedule = import "schedule.capnp";
$Cxx.namespace("carafe::wire");

struct Effects {
  # Applied all or none, in order.
  effects @0 :List(Effect);
}

struct Effect {
  union {
    batch @0 :BatchAppended;
    commit @1 :OffsetCommitted;
    queueOpened @2 :QueueOpened;
    queueClosed @3 :UInt64;
    queueStart @4 :QueueStart;
    topicPut @5 :TopicRecord;
    topicDeleted @6 :UInt64;
    groupPut @7 :GroupRecord;
    groupDeleted @8 :UInt64;
    progressDropped @9 :UInt64;
    # A group's progress on this shard's queues is forgotten.
    settled @10 :Settled;
    lent @11 :Lent;
    waiting @12 :Waiting;
    timersEnded @13 :TimersEnded;
    timerMoved @14 :TimerMoved;
    kept @15 :Kept;
    txPrepared @16 :Transaction.TxPrepared;
    txEnded @17 :Transaction.TxEnded;
    txApplied @18 :Transaction.TxApplied;
    producerPut @19 :ProducerPut;
    schedulePut @20 :Schedule.Record;
    scheduleDeleted @21 :UInt64;
    scheduleFired @22 :Schedule.Fired;
    returned @23 :Returned;
  }
}

struct TimersEnded {
  # These wait no more. Of `fired`, a batch of the same entry has the messages, in this order.
  queue @0 :UInt64;
  why @1 :Why;
  dueMs @2 :List(Int64);
  numbers @3 :List(UInt64);

  enum Why { fired @0; cancelled @1; dropped @2; }
}

struct TimerMoved {
  fromMs @0 :Int64;
  row @1 :TimerRecord;
}

struct TimerRecord {
  # A message that waits for its time.
  dueMs @0 :Int64;
  queue @1 :UInt64;
  number @2 :UInt64;
  # Among the queue's messages for later, in the order of their entries.
  producer @3 :UInt64;
  sequence @4 :UInt64;
  name @5 :Text;
  armedMs @6 :Int64;
  batch @7 :Data;
  # A batch (batch.capnp) of this message alone, not compressed.
}

struct Settled {
  # These messages are done for good.
  group @0 :UInt64;
  queue @1 :UInt64;
  ranges @2 :List(Common.OffsetRange);
  why @3 :Why;

  enum Why {
    acknowledged @0;
    # Or what became of it was not written: by an earlier version.
    filtered @1;
    expired @2;
    dead @3;
    # A batch of the same entry has its letter.
    gone @4;
    # There was nothing left to deliver.
    moved @5;
    # Open dead letters, and retention was about to pass them: a batch of the same entry for the same queue has them,
    # in this order.
  }
}

struct Lent {
  # A consumer was given these.
  group @0 :UInt64;
  queue @1 :UInt64;
  ranges @2 :List(Common.OffsetRange);
  member @3 :Text;
}

struct Returned {
  # Consumers gave these back, which is no failure.
  group @0 :UInt64;
  queue @1 :UInt64;
  ranges @2 :List(Common.OffsetRange);
}

struct Waiting {
  # A message has left the main line; its row is put.
  group @0 :UInt64;
  queue @1 :UInt64;
  row @2 :WaitingRecord;
}

struct Kept {
  # What a group waits for while retention passes it: rows that say where its copies are. A row of a
  # message that is dealt with changes nothing.
  group @0 :UInt64;
  queue @1 :UInt64;
  read @2 :UInt64;
  # The group has met everything below: what is not done there waits behind another of its key.
  rows @3 :List(WaitingRecord);
}

struct WaitingRecord {
  offset @0 :UInt64;
  attempts @1 :UInt32;
  # Deliveries that failed; 0: it stands behind another message of its key.
  dueMs @2 :Int64;
  error @3 :Text;
  key @4 :UInt64;
  # Hash of its key in keyed groups; 0: none.
  firstFailedMs @5 :Int64;
  lastFailedMs @6 :Int64;
  letterQueue @7 :UInt64;
  letterOffset @8 :UInt64;
  # Of a redriven message: its dead letter, which has what is delivered. Queue 0: the message itself.
  keyUnknown @9 :Bool;
  # It failed before it was read for its key: reading begins no later than there.
  storedMs @10 :Int64;
  # Of a message that retention took, of which `letterOffset` is a copy: its broker time. 0: what is
  # delivered has its own.
  producer @11 :UInt64;
  sequence @12 :UInt64;
  priority @13 :UInt8 = 4;
}

struct BatchAppended {
  queue @0 :UInt64;
  baseOffset @1 :UInt64;
  count @2 :UInt32;
  producer @3 :UInt64;
  sequence @4 :UInt64;
  codec @5 :Common.Codec;
  checksum @6 :UInt32;
  attachment @7 :UInt32;
  # Where the batch begins in the entry's attachments, in bytes; 8-byte aligned.
  bytes @8 :UInt32;
  timed @9 :Bool;
  # Its messages wait for their times. `baseOffset` counts those of the queue.
  ranked @10 :Bool;
  # Some message has a priority or a time to live of its own.
  name @11 :UInt64;
  # Of its producer; 0: none. Then the next two are of this name.
  nameLast @12 :UInt64;
  # The application's number of the last message.
  nameSpread @13 :UInt32;
  idWindowMs @14 :UInt64;
  # How long `ids` count, from the entry's time on; 0: there are none.
  ids @15 :Data;
  # Of each message 16 bytes of its id's hash, or 0.
  transacted @16 :Bool;
  # Of a transaction: producer and sequence name its messages, and are no retry's guard.
}

struct ProducerPut {
  producer @0 :NamedProducerRecord;
  forgotten @1 :Bool;
  # Its row goes, and what is known of it on queues.
}

struct NamedProducerRecord {
  id @0 :UInt64;
  name @1 :Text;
  epoch @2 :UInt32;
  createdMs @3 :Int64;
  openedMs @4 :Int64;
}

struct NamedProgressRecord {
  # Of one name on one queue.
  last @0 :UInt64;
  spread @1 :UInt32;
}

struct StoredIdsRecord {
  # Of one batch.
  untilMs @0 :Int64;
  ids @1 :Data;
  # As in BatchAppended.
}

struct OffsetCommitted {
  group @0 :UInt64;
  queue @1 :UInt64;
  offset @2 :UInt64;
  why @3 :Why;

  enum Why {
    acknowledged @0;
    # By a consumer; or by an earlier version, which wrote no other.
    began @1;
    # Where a group reads first.
    reset @2;
  }
}

struct QueueOpened {
  # The queue is there, and is as this says.
  queue @0 :UInt64;
  topic @1 :UInt64;
  dedupWindowMs @2 :UInt64;
  compacted @3 :Bool;
}

struct QueueStart {
  queue @0 :UInt64;
  start @1 :UInt64;
  sparing @2 :Bool;
  # It goes no further than to the first message that a group waits for.
}

struct TopicRecord {
  topic @0 :UInt64;
  name @1 :Text;
  queues @2 :List(UInt64);
  # Their ids, by number. shards[i] is queue i's shard.
  shards @3 :List(UInt16);
  retentionMs @4 :UInt64;
  durability @5 :Common.Durability;
  createdMs @6 :Int64;
  defaultTtlMs @7 :UInt64;
  # Of messages that say none; 0: they do not expire.
  dedupWindowMs @8 :UInt64;
  compacted @9 :Bool;
  produceBytesPerSecond @10 :UInt64;
  consumeBytesPerSecond @11 :UInt64;
  # Quotas; 0: none.
}

struct GroupRecord {
  group @0 :UInt64;
  name @1 :Text;
  mode @2 :Text;
  topics @3 :List(Text);
  createdMs @4 :Int64;
  delivery @5 :Common.DeliverySettings;
  version @6 :UInt64 = 1;
  filter @7 :Common.Filter;
  queues @8 :List(UInt64);
  # Of a record of mode `member`: which are kept for it.
}

struct QueueRecord {
  # A shard's checkpointed state of one queue.
  topic @0 :UInt64;
  start @1 :UInt64;
  next @2 :UInt64;
  lastTimeMs @3 :Int64;
  timersNext @4 :UInt64;
  # Number of the next message for later.
  timersPending @5 :UInt64;
  timersSum @6 :UInt64;
  # Of the pending ones' due times and numbers, mixed.
  dedupWindowMs @7 :UInt64;
  compacted @8 :Bool;
  keptFrom @9 :UInt64;
  # Of a compacted one: below, nothing is kept.
}

struct ProducerRecord {
  # Of one producer on one queue.
  lastTimeMs @0 :Int64;
  lastSequence @1 :UInt64;
  recent @2 :List(Recent);

  struct Recent {
    sequence @0 :UInt64;
    count @1 :UInt32;
    baseOffset @2 :UInt64;
    timeMs @3 :Int64;
  }
}

struct ProgressRecord {
  offset @0 :UInt64;
  timeMs @1 :Int64;
  done @2 :List(Common.OffsetRange);
  # Dealt with above `offset`; ascending and apart, as the next.
  lent @3 :List(Common.OffsetRange);
  read @4 :UInt64;
  # As in Kept; 0: no further than `offset`.
}

struct CatalogueRecord {
  nextId @0 :UInt64;
  # Ids of topics, queues and groups come from this one counter and are never reused.
}
