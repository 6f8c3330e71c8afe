@0xc7f0b3a95d1e4286;
# What quotas held back (wire.capnp, node.capnp); docs/protocol.md, "Quotas".

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire");

struct Throttling {
  produceRefused @0 :UInt64;
  # Batches that were refused since the node's start.
  consumePausedMs @1 :UInt64;
  # How long batches were held back since then: of each queue by its topic's quota, of each connection
  # by its client's.
}
