#include "schema/batch.hpp"
#include "schema/frame.hpp"
#include "test/schema/fields.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace carafe;
using namespace carafe::test;

TEST_CASE("every request and answer about producers comes back as it was") {
  using namespace frames;
  const std::vector<body> bodies{
    producer_request{producer_open{"importer"}},
    producer_request{producer_list{}},
    producer_request{producer_forget{"importer"}},
    producer_answer{producer_opened{producer_name_id{51}, 7}},
    producer_answer{producer_progress{}},
    producer_answer{producer_names{
      {{"importer", producer_name_id{51}, 7, unix_ms{10}, unix_ms{11}}, {"other", {}, 1, {}, {}}}}},
    producer_answer{duplicates{{{0, offset{77}, false}, {3, offset{9}, true}}}}};
  for (const auto& each : bodies) {
    const auto bytes = wire_bytes({4, each});
    reader from{1u << 20};
    from.feed(carafe::as_bytes(std::string_view{bytes.data(), bytes.size()}));
    auto decoded = from.next();
    REQUIRE(decoded);
    REQUIRE(*decoded);
    CHECK(same((*decoded)->body, each));
  }
}

TEST_CASE("a digest is SipHash's of 128 bits") {
  // Two of the authors' vectors: key 00 01 .. 0f, of the empty text and of 00 01 .. 0e.
  CHECK(digest_of("") == id_digest{0xe6a825ba047f81a3, 0x930255c71472f66d});
  std::string fifteen;
  for (char c = 0; c < 15; ++c) fifteen += c;
  CHECK(digest_of(fifteen) == id_digest{0x11a8b03399e99354, 0xd9c3cf970fec087e});
  CHECK(digest_of("a") != digest_of("b"));
  CHECK(digest_of("a") != digest_of(std::string_view{"a\0", 2}));
}

TEST_CASE("dedup ids go through a batch, and a node is told of them") {
  for (const auto compression : {codec::none, codec::zstd}) {
    batch_builder builder;
    for (const std::string id : {"", "order-1", "", "order-2"}) {
      message_view m;
      m.body = "body";
      m.dedup_id = id;
      REQUIRE(builder.add(m));
    }
    const auto estimate = builder.bytes();
    const auto batch = builder.finish(compression);
    REQUIRE(batch);
    CHECK(batch->bytes.size() <= estimate);
    auto opened = batch_reader::open(batch->bytes, batch->compression, {});
    REQUIRE(opened);
    CHECK(opened->message(0).dedup_id.empty());
    CHECK(opened->message(1).dedup_id == "order-1");
    CHECK(opened->message(3).dedup_id == "order-2");
    const auto valid =
      validate_batch(batch->bytes.span(), batch->compression, 4, batch->checksum, {});
    REQUIRE(valid);
    CHECK(valid->ids == id_digests{{}, digest_of("order-1"), {}, digest_of("order-2")});
  }
  batch_builder builder;
  message_view m;
  REQUIRE(builder.add(m));
  const auto plain = builder.finish(codec::none);
  CHECK(validate_batch(plain->bytes.span(), codec::none, 1, plain->checksum, {})->ids.empty());
  const std::string long_id(256, 'x');
  m.dedup_id = long_id;
  CHECK(builder.add(m).code() == errc::invalid_argument);
}
