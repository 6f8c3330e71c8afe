@0xe2a4d1905b7c3f68;
# Frames about the node as a whole (wire.capnp).

using Cxx = import "/capnp/c++.capnp";
using Durability = import "common.capnp".Durability;
using Quota = import "quota.capnp";
$Cxx.namespace("carafe::wire");

struct NodeStatus {
  node @0 :Text;
  software @1 :Text;
  uptimeMs @2 :UInt64;
  connections @3 :UInt32;
  topics @4 :UInt32;
  groups @5 :UInt32;
  messagesIn @6 :UInt64;
  bytesIn @7 :UInt64;
  messagesOut @8 :UInt64;
  bytesOut @9 :UInt64;
  messagesInPerSecond @10 :Float64;
  messagesOutPerSecond @11 :Float64;
  bytesInPerSecond @12 :Float64;
  bytesOutPerSecond @13 :Float64;
  # Rates over the last ten seconds.
  shards @14 :List(Shard);
  diskFreeBytes @15 :UInt64;
  dataDir @16 :Text;
  cpuMs @17 :UInt64;
  # Of the process, all threads, since its start.
  memoryBytes @18 :UInt64;
  # Resident and of its own: without the pages of files, which the kernel takes back when it wants.
  memoryPeakBytes @19 :UInt64;
  # The most of that so far, looked at once a second.
  diskWrittenBytes @20 :UInt64;
  # What the node gave to write calls since the start: pages of its files, each as often as it was
  # written, log lines and wake-ups of its threads. What goes over connections is not in it. The disk
  # may get less, where a page is written again before the kernel has passed it on.
  fsyncs @21 :UInt64;
  # How often the node waited for the disk since the start.
  throttled @22 :Quota.Throttling;
  # By all topics' and clients' quotas.

  struct Shard {
    shard @0 :UInt16;
    durability @1 :Durability;
    role @2 :Text;
    term @3 :UInt64;
    firstIndex @4 :UInt64;
    commitIndex @5 :UInt64;
    checkpointIndex @6 :UInt64;
    syncedIndex @7 :UInt64;
    queues @8 :UInt32;
    logBytes @9 :UInt64;
    segments @10 :UInt32;
    producers @11 :UInt32;
    commits @12 :Latency;
    # From submit to commit.
    syncs @13 :Latency;
    storageFull @14 :Bool;
    groupSizes @15 :List(GroupSize);
    # Of the groups of entries that were written in one transaction each since the start, by size,
    # smallest first. Sizes within an eighth of each other share a row.
  }

  struct GroupSize {
    bytes @0 :UInt64;
    # The most that a group of this row has.
    count @1 :UInt64;
  }

  struct Latency {
    count @0 :UInt64;
    p50Us @1 :UInt64;
    p99Us @2 :UInt64;
    maxUs @3 :UInt64;
  }
}

struct ActorInfo {
  name @0 :Text;
  kind @1 :Text;
  mailbox @2 :UInt32;
}

struct BackupDone {
  path @0 :Text;
  bytes @1 :UInt64;
  shards @2 :UInt32;
}
