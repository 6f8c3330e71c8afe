@0xd6a1c1f8e7b04a11;
# The client protocol: every frame on a connection is one `Frame` as a standard Cap'n Proto stream
# message. docs/protocol.md tells the conversation; this file is the exact shape.
#
# Rules of change: a new field takes the next ordinal; nothing is renumbered, retyped or reused.

using Cxx = import "/capnp/c++.capnp";
using Broadcast = import "broadcast.capnp";
using Common = import "common.capnp";
using Delivery = import "delivery.capnp";
using Node = import "node.capnp";
using Producer = import "producer.capnp";
using Quota = import "quota.capnp";
using Schedule = import "schedule.capnp";
using Story = import "story.capnp";
using KeyFind = import "keyfind.capnp";
using Timer = import "timer.capnp";
using Transaction = import "transaction.capnp";
using Codec = Common.Codec;
using Durability = Common.Durability;
$Cxx.namespace("carafe::wire");

struct Frame {
  request @0 :UInt64;
  # Chosen by the client, repeated in every answer to it. 0 in frames that the node sends by itself.

  union {
    error @1 :Error;
    hello @2 :Hello;
    welcome @3 :Welcome;
    ping @4 :Void;
    pong @5 :Void;
    ok @6 :Void;

    produce @7 :Produce;
    receipt @8 :Receipt;

    subscribe @9 :Subscribe;
    subscribed @10 :Subscribed;
    unsubscribe @11 :UInt64;
    # The subscription's number; answered with `ok`.
    credit @12 :Credit;
    deliver @13 :Deliver;
    subscriptionEnded @14 :SubscriptionEnded;

    join @15 :Join;
    joined @16 :Joined;
    assigned @17 :Assigned;
    revoked @18 :Revoked;
    release @19 :Release;
    commit @20 :Commit;
    leave @21 :UInt64;
    # The member's number; answered with `ok` once its queues are free.

    topicDescribe @22 :TopicDescribe;
    topicDescription @23 :TopicDescription;
    topicCreate @24 :TopicCreate;
    topicAlter @25 :TopicAlter;
    topicDelete @26 :Text;
    topicList @27 :Void;
    topicNames @28 :List(TopicSummary);

    groupList @29 :Void;
    groupNames @30 :List(GroupSummary);
    groupDescribe @31 :Text;
    groupDescription @32 :GroupDescription;
    groupReset @33 :GroupReset;
    groupDelete @34 :Text;

    nodeStatus @35 :Void;
    nodeStatusReport @36 :Node.NodeStatus;
    nodeActors @37 :Void;
    nodeActorList @38 :List(Node.ActorInfo);
    backup @39 :Text;
    # A folder on the node's machine that does not exist yet; only over loopback.
    backupDone @40 :Node.BackupDone;

    leased @41 :Delivery.Leased;
    settle @42 :Delivery.Settle;
    renew @43 :Delivery.Renew;
    renewed @44 :Delivery.Renewed;
    groupPut @45 :GroupPut;
    # Answered with `groupDescription`.
    deadLetters @46 :Text;
    # Of this group: which are neither redriven nor purged.
    deadLetterList @47 :List(Delivery.DeadLetters);
    redrive @48 :Delivery.Redrive;
    redriven @49 :List(Delivery.Redriven);

    timerEnd @50 :Timer.End;
    timerMove @51 :Timer.Move;
    # Both answered with `timersChanged`.
    timersChanged @52 :UInt32;
    # How many.
    timerList @53 :Timer.Query;
    timers @54 :Timer.Pending;
    groupForget @55 :Broadcast.GroupForget;

    txJoin @56 :Transaction.Join;
    txPrepare @57 :Transaction.Prepare;
    txPrepared @58 :Transaction.Prepared;
    txEnd @59 :Transaction.End;
    txCheck @60 :Transaction.Check;
    txList @61 :Transaction.Query;
    txs @62 :Transaction.Transactions;
    producerRequest @63 :Producer.Request;
    producerAnswer @64 :Producer.Answer;
    schedulePut @65 :Schedule.Put;
    # Answered with `schedules`: the one that was put.
    scheduleDelete @66 :Text;
    scheduleList @67 :Schedule.Query;
    schedules @68 :Schedule.Schedules;
    messageWhy @69 :Story.Question;
    messageStory @70 :Story.Story;
    keyFind @71 :KeyFind.Question;
    keyFound @72 :KeyFind.Answer;
  }
}

struct Error {
  code @0 :UInt16;
  # docs/protocol.md lists the numbers.
  detail @1 :Text;
  retryAfterMs @2 :UInt32;
  # When not 0: the node asks to wait so long before the same request is sent again.
}

struct Hello {
  versionMin @0 :UInt16;
  versionMax @1 :UInt16;
  client @2 :Text;
  # A name for people: shown in `group describe`.
  software @3 :Text;
}

struct Welcome {
  version @0 :UInt16;
  node @1 :Text;
  software @2 :Text;
  frameBytesMax @3 :UInt32;
  messageBytesMax @4 :UInt32;
  batchCountMax @5 :UInt32;
  idleTimeoutMs @6 :UInt32;
  # The node closes a connection that was silent for so long; send `ping` three times as often.
  inFlightMax @7 :UInt32;
  # Unanswered `produce` frames on this connection, at most; past it the node stops reading.
}

struct Produce {
  queue @0 :UInt64;
  producer @1 :UInt64;
  sequence @2 :UInt64;
  # Of the first message; the others follow without gaps.
  previous @3 :UInt64;
  # Sequence of the last message this producer sent to this queue before; 0 for the first batch.
  count @4 :UInt32;
  codec @5 :Codec;
  checksum @6 :UInt32;
  # CRC32C of `batch` as sent (after compression).
  batch @7 :Data;
  # A `Batch` message (batch.capnp), compressed by `codec`.
  name @8 :UInt64;
  # Of a named producer, as `opened` told, and so the next two; 0: it has no name.
  nameFirst @9 :UInt64;
  nameLast @10 :UInt64;
  # The application's own numbers of the first and the last message.
  epoch @11 :UInt32;
  nameSpread @12 :UInt32;
  # Over so many queues of the topic the name's messages are spread.
}

struct Receipt {
  queue @0 :UInt64;
  firstOffset @1 :UInt64;
  count @2 :UInt32;
  durability @3 :Durability;
  replicas @4 :UInt16;
  duplicate @5 :Bool;
  # The batch was already there; this is the original's receipt.
  brokerTimeMs @6 :Int64;
  timed @7 :Bool;
  # It is for later: `firstOffset` counts the queue's messages for later.
}

struct StartPosition {
  union {
    earliest @0 :Void;
    latest @1 :Void;
    offset @2 :UInt64;
    timeMs @3 :Int64;
  }
}

enum RangePolicy { error @0; earliest @1; latest @2; }

struct Subscribe {
  subscription @0 :UInt64;
  # Chosen by the client, unique on its connection, not 0.
  queue @1 :UInt64;
  start @2 :StartPosition;
  outOfRange @3 :RangePolicy;
  creditBytes @4 :UInt32;
  filter @5 :Common.Filter;
  # From version 2 on, as the next: only these messages. A group's queue has the group's filter.
  expired @6 :Bool;
  # Messages whose time to live is over, too.
}

struct Subscribed {
  subscription @0 :UInt64;
  offset @1 :UInt64;
  # Where reading begins.
  earliest @2 :UInt64;
  end @3 :UInt64;
  # The queue's offsets when the subscription began: earliest kept, and the next to be written.
}

struct Credit {
  subscription @0 :UInt64;
  bytes @1 :UInt32;
}

struct Deliver {
  subscription @0 :UInt64;
  queue @1 :UInt64;
  baseOffset @2 :UInt64;
  # Of the batch's first message. A batch is delivered whole: messages before the asked-for offset
  # are skipped by the client.
  count @3 :UInt32;
  brokerTimeMs @4 :Int64;
  producer @5 :UInt64;
  sequence @6 :UInt64;
  codec @7 :Codec;
  checksum @8 :UInt32;
  batch @9 :Data;
  sparse @10 :Bool;
  # From version 2 on: `batch` holds exactly the messages of `ranges`, and is empty if there are
  # none. The others of these `count` are not for this subscription; reading has passed them.
  ranges @11 :List(Common.OffsetRange);
  expired @12 :List(Common.OffsetRange);
  # Of what is in `batch`: which were too old. Only if `subscribe` asked for those.
}

struct SubscriptionEnded {
  subscription @0 :UInt64;
  error @1 :Error;
  # `none` never; e.g. queue_unknown after its topic was deleted, offset_out_of_range after
  # retention overtook the reader.
  member @2 :UInt64;
  # Not 0: this member's group is served anew, and `subscription` is 0: it has to join again.
}

struct Join {
  group @0 :Text;
  topics @1 :List(Text);
  member @2 :Text;
  start @3 :StartPosition;
  # For queues on which the group has no committed offset.
  outOfRange @4 :RangePolicy;
  creditBytes @5 :UInt32;
  # Initial credit of each assigned queue's subscription, or of the member's only one.
  mode @6 :Text;
  # What the group must be, or becomes if there is none: `ordered` (also if empty), `shared`,
  # `keyed`, `broadcast`.
  inFlightMax @7 :UInt32;
  # Of `shared` and `keyed`: messages that this member wants to have at a time; 0: as the group's.
  filter @8 :Common.Filter;
  # Part of what the group must be, as mode and topics. Only of `shared` and `keyed`.
  name @9 :Text;
  # Of `broadcast`: the committed offsets are kept under this name. Empty: none are.
  holder @10 :UInt64;
  # Chosen at random once by a consumer with a name: when it joins again it has its own name back
  # before the node has noticed that its old connection is gone. 0: it waits for that.
  memberId @11 :Text;
  # Of `ordered`: when it is gone its queues are kept for it for a while, and it has them again when
  # it joins with the same id, and the same `holder`. Empty: they go to others at once.
  rejoins @12 :UInt64;
  # Not 0: the consumer was a member of this group before (`joined.group`). If it is the same one,
  # it is let in whatever topics and filter the group has by now.
}

struct Joined {
  member @0 :UInt64;
  group @1 :UInt64;
  subscription @2 :UInt64;
  # Of `shared` and `keyed`: what `leased` and `credit` use. 0: queues are `assigned`.
  leaseMs @3 :UInt64;
  # A member sends `renew` several times in this while.
}

struct GroupPut {
  name @0 :Text;
  mode @1 :Text;
  topics @2 :List(Text);
  delivery @3 :Common.DeliverySettings;
  version @4 :UInt64;
  # 0: make it. Otherwise: change it, if it still has this version.
  ifMissing @5 :Bool;
  # When made: the same group being there already is no error.
  filter @6 :Common.Filter;
}

struct Assigned {
  member @0 :UInt64;
  subscription @1 :UInt64;
  # Chosen by the node for this assignment: the top bit is set. `deliver` and `credit` use it.
  generation @2 :UInt64;
  topic @3 :Text;
  queueNumber @4 :UInt32;
  queue @5 :UInt64;
  offset @6 :UInt64;
}

struct Revoked {
  member @0 :UInt64;
  queue @1 :UInt64;
  generation @2 :UInt64;
  deadlineMs @3 :UInt32;
  # Finish, commit and `release` within this time; then the queue is taken away.
}

struct Release {
  member @0 :UInt64;
  queue @1 :UInt64;
  generation @2 :UInt64;
}

struct Commit {
  member @0 :UInt64;
  positions @1 :List(Position);

  struct Position {
    queue @0 :UInt64;
    generation @1 :UInt64;
    offset @2 :UInt64;
    # The next message to be handled: everything below it is done.
  }
}

struct TopicSettings {
  retentionMs @0 :UInt64;
  # 0: the node's own retention.
  durability @1 :Durability;
  defaultTtlMs @2 :UInt64;
  # Of messages that say none; 0: they do not expire.
  dedupWindowMs @3 :UInt64;
  # How long a message's id counts; 0: ids do not matter.
  compacted @4 :Bool;
  # The last message of each key outlives retention.
  produceBytesPerSecond @5 :UInt64;
  consumeBytesPerSecond @6 :UInt64;
  # Quotas of the whole topic, in bytes of batches as they are sent; 0: none.
}

struct TopicCreate {
  name @0 :Text;
  queues @1 :UInt32;
  settings @2 :TopicSettings;
  ifMissing @3 :Bool;
  # Answer with the existing topic's description instead of topic_exists, if its queue count is the
  # same.
}

struct TopicAlter {
  name @0 :Text;
  queues @1 :UInt32;
  # 0: as it is. Never fewer than before.
  retentionMs @2 :UInt64;
  retentionSet @3 :Bool;
  defaultTtlMs @4 :UInt64;
  defaultTtlSet @5 :Bool;
  dedupWindowMs @6 :UInt64;
  dedupWindowSet @7 :Bool;
  compacted @8 :Bool;
  compactedSet @9 :Bool;
  produceBytesPerSecond @10 :UInt64;
  produceQuotaSet @11 :Bool;
  consumeBytesPerSecond @12 :UInt64;
  consumeQuotaSet @13 :Bool;
}

struct TopicDescribe {
  name @0 :Text;
  createIfMissing @1 :Bool;
  # Honoured if the node's `create-on-use-queues` is not 0.
}

struct TopicDescription {
  topic @0 :UInt64;
  name @1 :Text;
  settings @2 :TopicSettings;
  createdMs @3 :Int64;
  queues @4 :List(Queue);
  throttled @5 :Quota.Throttling;

  struct Queue {
    number @0 :UInt32;
    queue @1 :UInt64;
    shard @2 :UInt16;
    durability @3 :Durability;
    earliest @4 :UInt64;
    end @5 :UInt64;
    lastTimeMs @6 :Int64;
  }
}

struct TopicSummary {
  name @0 :Text;
  topic @1 :UInt64;
  queues @2 :UInt32;
  messages @3 :UInt64;
}

struct GroupSummary {
  name @0 :Text;
  group @1 :UInt64;
  mode @2 :Text;
  topics @3 :List(Text);
  members @4 :UInt32;
  lag @5 :UInt64;
}

struct GroupDescription {
  name @0 :Text;
  group @1 :UInt64;
  mode @2 :Text;
  topics @3 :List(Text);
  members @4 :List(Member);
  queues @5 :List(Queue);
  delivery @6 :Common.DeliverySettings;
  version @7 :UInt64;
  filter @8 :Common.Filter;
  consumers @9 :List(Broadcast.NamedConsumer);
  # Of `broadcast`.
  filtered @10 :UInt64;
  expired @11 :UInt64;
  # So many messages it was not sent for its filter, and for their age, since the node knows it as
  # it is: counts begin anew when the node starts and when its mode, topics or filter change.

  struct Member {
    member @0 :UInt64;
    name @1 :Text;
    client @2 :Text;
    address @3 :Text;
    queues @4 :UInt32;
    joinedMs @5 :Int64;
    inFlight @6 :UInt64;
    idleMs @7 :UInt64;
    # How long it has had messages and settled none.
    memberId @8 :Text;
    keptUntilMs @9 :Int64;
    # It is away (`member` is 0), and its queues are kept until then; 0: it is there.
  }

  struct Queue {
    topic @0 :Text;
    number @1 :UInt32;
    queue @2 :UInt64;
    committed @3 :UInt64;
    hasCommitted @4 :Bool;
    earliest @5 :UInt64;
    end @6 :UInt64;
    owner @7 :UInt64;
    lag @8 :UInt64;
    inFlight @9 :UInt64;
    waiting @10 :UInt64;
    # For their next attempt; counted in `lag`.
  }
}

struct GroupReset {
  group @0 :Text;
  topic @1 :Text;
  # Empty: every topic of the group.
  queueNumber @2 :Int32;
  # -1: every queue.
  to @3 :StartPosition;
  consumer @4 :Text;
  # Of `broadcast`: only this named consumer; empty: all of them.
}
