@0xe2a94d0f6c3b7158;
# Shapes that the protocol and the log share.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire");

enum Codec { none @0; lz4 @1; zstd @2; }
enum Durability { fsync @0; interval @1; memory @2; }

enum FilterKind { none @0; tags @1; sql @2; }

struct Filter {
  kind @0 :FilterKind;
  text @1 :Text;
  # `a || b` or `*` of `tags`; a condition of `sql`.
}

struct OffsetRange {
  first @0 :UInt64;
  count @1 :UInt64;
}

struct DeliverySettings {
  # Of a group of mode `shared` or `keyed`.
  leaseMs @0 :UInt64;
  attemptsMax @1 :UInt32;
  # After so many failed deliveries a message is dead.
  backoffMs @2 :List(UInt64);
  # Pause after the first failed delivery, the second …; the last repeats.
  jitterPercent @3 :UInt32;
  memberInFlightMax @4 :UInt32;
  inFlightMax @5 :UInt32;
  waitingMax @6 :UInt32;
  expiredToDeadLetters @7 :Bool;
  # Messages that expire become dead letters; otherwise they are dropped.
}
