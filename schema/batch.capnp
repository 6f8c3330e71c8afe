@0xb0c7d7be3f1e2a95;
# What a producer sends and the log stores: 1..N messages for one queue, in columns. One struct a
# batch, not a message: a struct a message costs about 200 bytes and caps decoding.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("carafe::wire");

struct Batch {
  count @0 :UInt32;
  bodies @1 :Data;
  # All bodies, one after another.
  bodyEnds @2 :List(UInt32);
  # Where each body ends in `bodies`; `count` of them, never falling, the last is its length.
  keys @3 :Data;
  keyEnds @4 :List(UInt32);
  # As bodies. An empty list: no message has a key. An empty key is no key.
  bornBaseMs @5 :Int64;
  bornDeltas @6 :List(UInt32);
  # When message i was made: bornBaseMs + bornDeltas[i]. An empty list: all at bornBaseMs.
  names @7 :List(Text);
  # Every tag and property name that occurs, once: 1..255 bytes of UTF-8 without NUL, at most 65535
  # names.
  tags @8 :List(UInt16);
  # 0: no tag; otherwise names[tag - 1]. An empty list: no message has a tag.
  propertyEnds @9 :List(UInt32);
  # Where message i's properties end in the two lists below. An empty list: none has any.
  propertyNames @10 :List(UInt16);
  # Index into `names`.
  propertyValueEnds @11 :List(UInt32);
  # Where each property's value ends in `propertyValues`.
  propertyValues @12 :Data;
  rare @13 :Rare;
  # Null: no message has any of these.

  struct Rare {
    # Each list has one entry a message, or none at all.
    priorities @0 :List(UInt8);
    # 0 to 9, higher goes first; an empty list: all have 4.
    ttlsMs @1 :List(UInt64);
    # How long after it was stored a message is worth delivering; 0: always.
    deliverAtMs @2 :List(Int64);
    # Unix ms of when it is to be delivered; below 0: so many ms after it is stored; 0: at once. A
    # batch has only messages to be delivered at once, or none of them.
    dedupIds @3 :Data;
    dedupIdEnds @4 :List(UInt32);
    # As keys: 0 to 255 bytes, and an empty one is none.
  }
}
