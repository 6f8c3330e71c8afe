@0xb1f3d0c66a9e2d75;
# What the client protocol says about named consumers of `broadcast` groups.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire");

struct NamedConsumer {
  # One whose committed offsets the node keeps, whether it is connected or not.
  name @0 :Text;
  createdMs @1 :Int64;
  member @2 :UInt64;
  # Who has the name now; 0: nobody.
  queues @3 :List(Place);

  struct Place {
    queue @0 :UInt64;
    committed @1 :UInt64;
    hasCommitted @2 :Bool;
    lag @3 :UInt64;
  }
}

struct GroupForget {
  # Answered with `ok` once the name and its offsets are gone.
  group @0 :Text;
  name @1 :Text;
}
