@0x9d3e5b7a10c4f826;
# What a shard keeps of compacted queues besides its log (docs/adr/0023).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire");

struct LatestRecord {
  # The last message of its key below where the log of its queue begins.
  queue @0 :UInt64;
  offset @1 :UInt64;
  timeMs @2 :Int64;
  # Broker time.
  producer @3 :UInt64;
  sequence @4 :UInt64;
  digest @5 :Data;
  # 16 bytes of its key's hash.
  batch @6 :Data;
  # A batch (batch.capnp) of this message alone, not compressed.
}
