@0xb7d0c52f9e1a4836;
# Transactions: their frames, and what the log and the checkpoint hold of them
# (docs/adr/0014-a-transaction-lives-in-one-shard.md).

using Cxx = import "/capnp/c++.capnp";
using Common = import "common.capnp";
$Cxx.namespace("carafe::wire::tx");

struct Name {
  shard @0 :UInt16;
  # That keeps it and decides: its coordinator.
  producer @1 :UInt64;
  number @2 :UInt64;
  # Chosen by the producer, not 0.
}

struct Join {
  group @0 :Text;
  # This connection answers `txCheck` of these producers.
  leave @1 :Bool;
  # It does so no more.
}

struct Batch {
  queue @0 :UInt64;
  sequence @1 :UInt64;
  # Of the first message. Sequences rise in a transaction; its producer uses none twice.
  count @2 :UInt32;
  codec @3 :Common.Codec;
  checksum @4 :UInt32;
  # CRC32C of `batch` as sent.
  batch @5 :Data;
}

struct Consumed {
  # Messages that the transaction acknowledges.
  group @0 :Text;
  queue @1 :UInt64;
  ranges @2 :List(Common.OffsetRange);
  # In an `ordered` group everything up to the last of them.
}

struct Prepare {
  transaction @0 :Name;
  group @1 :Text;
  # Of producers that can tell what became of it.
  checkFirstMs @2 :UInt32;
  checkEveryMs @3 :UInt32;
  # After how long they are asked, and how often then; 0: 6,000 and 30,000. Of the first frame of a
  # transaction.
  batches @4 :List(Batch);
  consumed @5 :List(Consumed);
}

struct Prepared {
  messages @0 :UInt64;
  # That the transaction has by now.
  duplicate @1 :Bool;
  # All of it was there before.
}

enum Outcome { unknown @0; commit @1; rollback @2; }

struct End {
  transaction @0 :Name;
  outcome @1 :Outcome;
  # `unknown` answers a `txCheck` and changes nothing.
}

struct Check {
  transaction @0 :Name;
  group @1 :Text;
  checks @2 :UInt32;
  # How often it was asked for, this time included.
}

struct Query {
  after @0 :Name;
  # Those behind this one; producer 0: from the first on.
  limit @1 :UInt32;
  # At most so many; 0: as many as the node gives in one answer.
}

enum State { open @0; held @1; committed @2; }

struct Transactions {
  transactions @0 :List(Pending);
  # In the order of their names.
  total @1 :UInt64;
  # How many there are.
  preparedMessages @2 :UInt64;
  committedMessages @3 :UInt64;
  rolledBackMessages @4 :UInt64;
  pendingMessages @5 :UInt64;
  # Half messages since the node's data began: prepared = committed + rolled back + pending.

  struct Pending {
    transaction @0 :Name;
    group @1 :Text;
    state @2 :State;
    # held: nobody is asked any more. committed: some shards have yet to take their part.
    openedMs @3 :Int64;
    messages @4 :UInt64;
    bytes @5 :UInt64;
    consumed @6 :UInt64;
    checks @7 :UInt32;
    nextCheckMs @8 :Int64;
    # 0: none.
    owes @9 :List(UInt16);
    # These shards.
  }
}

# -- the log and the checkpoint ----------------------------------------------------------------------

struct Half {
  # A batch that no consumer sees yet.
  queue @0 :UInt64;
  shard @1 :UInt16;
  # The queue's.
  sequence @2 :UInt64;
  count @3 :UInt32;
  codec @4 :Common.Codec;
  checksum @5 :UInt32;
  ranked @6 :Bool;
  attachment @7 :UInt32;
  bytes @8 :UInt32;
  # As in BatchAppended; not in a checkpoint.
}

struct HalfRecord {
  half @0 :Half;
  batch @1 :Data;
}

struct Settling {
  # Messages that a group is done with when the transaction is committed.
  group @0 :UInt64;
  ordered @1 :Bool;
  queue @2 :UInt64;
  shard @3 :UInt16;
  ranges @4 :List(Common.OffsetRange);
}

struct TxPrepared {
  # More of a transaction, which begins with the first; or, if `checks` is not 0, that its producers
  # were asked so often.
  producer @0 :UInt64;
  number @1 :UInt64;
  group @2 :Text;
  checkFirstMs @3 :UInt32;
  checkEveryMs @4 :UInt32;
  checks @5 :UInt32;
  halves @6 :List(Half);
  consumed @7 :List(Settling);
}

struct TxEnded {
  # What a commit does in this shard are other effects of the same entry.
  producer @0 :UInt64;
  number @1 :UInt64;
  committed @2 :Bool;
  owes @3 :List(UInt16);
  # Shards that have a part in it, besides this one.
}

struct TxApplied {
  from @0 :UInt16;
  to @1 :UInt16;
  serial @2 :UInt64;
  # Of the commits of `from` that others have a part in: `to` has its parts up to this one.
  confirmed @3 :Bool;
  # False: in the log of `to`, beside these parts. True: in the log of `from`, which forgets them.
}

struct TransactionRecord {
  producer @0 :UInt64;
  number @1 :UInt64;
  group @2 :Text;
  openedMs @3 :Int64;
  checkedMs @4 :Int64;
  checkFirstMs @5 :UInt32;
  checkEveryMs @6 :UInt32;
  checks @7 :UInt32;
  state @8 :UInt16;
  # 0 open, 1 committed, 2 rolled back.
  halves @9 :UInt32;
  messages @10 :UInt64;
  bytes @11 :UInt64;
  lastSequence @12 :UInt64;
  consumed @13 :List(Settling);
  ended @14 :UInt64;
  # Its place among those that have ended.
  serial @15 :UInt64;
  # As in TxApplied; 0: no other shard has a part in it.
  owes @16 :List(UInt16);
}

struct TransactionCounts {
  prepared @0 :UInt64;
  committed @1 :UInt64;
  rolledBack @2 :UInt64;
  # Half messages.
  ended @3 :UInt64;
  serial @4 :UInt64;
  # Given last.
}

struct TransactionsApplied {
  # Of one other shard.
  serial @0 :UInt64;
}
