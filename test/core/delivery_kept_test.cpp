#include "actors/core/delivery_batches.hpp"
#include "actors/core/kept_copies.hpp"

#include "test/core/builders.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

constexpr queue_id the_queue{5};
constexpr group_id the_group{9}, another{10};
constexpr progress_key here{the_group, the_queue};

waiting_record row_of(std::uint64_t at) {
  waiting_record row;
  row.at = offset{at};
  row.attempts = 1;
  return row;
}

encoded_batch bodies(std::uint32_t count) {
  batch_builder builder;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto body = "m" + std::to_string(i), key = "k" + std::to_string(i % 2);
    message_view message;
    message.body = body;
    message.key = key;
    REQUIRE(builder.add(message).ok());
  }
  auto encoded = builder.finish(codec::none);
  REQUIRE(encoded.ok());
  return std::move(*encoded);
}

/// Ten messages; offset 2 waits, 4 and 5 were lent, 3 stands behind, 6 is done.
struct begun {
  shard_state state{1'000};
  storage::stored_batch stored;

  begun() {
    const auto encoded = bodies(10);
    effects::batch batch;
    batch.queue = the_queue;
    batch.count = 10;
    batch.producer = producer_id{3};
    batch.first = sequence{100};
    batch.bytes = encoded.bytes;
    stored = {the_queue, offset{0}, 10, unix_ms{50}, batch};
    state.apply(unix_ms{50}, {effects::queue_opened{the_queue, topic_id{1}}, batch});
    state.apply(unix_ms{60},
                {effects::settled{the_group, the_queue, {{offset{0}, 2}, {offset{6}, 1}}},
                 effects::lent{the_group, the_queue, {{offset{4}, 2}}, "w"},
                 effects::waiting{the_group, the_queue, row_of(2)}});
  }

  [[nodiscard]] std::string held(queue_id queue, std::uint64_t end) const {
    std::string out;
    for (const auto& each : state.held(queue, offset{end}, 100))
      out += std::to_string(each.at.value) + " ";
    return out;
  }
  void start(std::uint64_t at) {
    state.apply(unix_ms{70}, {effects::queue_start{the_queue, offset{at}, true}});
  }
  void copy(std::uint64_t below) {
    if (state.queue(kept_messages) == nullptr)
      state.apply(unix_ms{70}, {effects::queue_opened{kept_messages, topic_id{0}}});
    const auto what = state.held(the_queue, offset{below}, 100);
    const auto first = state.queue(kept_messages)->next;
    auto copies = copy_held(state, stored, what, first, {});
    REQUIRE(copies.ok());
    std::get<effects::batch>(copies->front()).base = first;
    state.apply(unix_ms{70}, *copies);
  }
};

} // namespace

TEST_CASE("a start that spares goes no further than to what a group waits for") {
  begun b;
  CHECK(b.held(the_queue, 10) == "2 3 4 5 ");
  CHECK(b.held(the_queue, 4) == "2 3 ");
  b.start(9);
  CHECK(b.state.queue(the_queue)->start == offset{2});
  // What the group read and did nothing with yet waits behind something.
  b.state.apply(unix_ms{70}, {effects::kept{the_group, the_queue, offset{8}, {}}});
  CHECK(b.held(the_queue, 10) == "2 3 4 5 7 ");
  // Entries of earlier versions spare nothing.
  b.state.apply(unix_ms{70}, {effects::queue_start{the_queue, offset{9}}});
  CHECK(b.state.queue(the_queue)->start == offset{9});
  CHECK(b.held(the_queue, 10).empty());
}

TEST_CASE("a group that is set to before its queue's start waits for nothing that is gone") {
  begun b;
  b.state.apply(unix_ms{70}, {effects::settled{the_group, the_queue, {{offset{2}, 5}}}});
  b.start(5);
  b.state.apply(unix_ms{70}, {effects::commit{the_group, the_queue, offset{0}},
                              effects::lent{the_group, the_queue, {{offset{6}, 1}}, "w"}});
  CHECK(b.held(the_queue, 10) == "5 6 ");
}

TEST_CASE("what is copied is held where its copy is") {
  begun b;
  b.copy(9);
  CHECK(b.held(the_queue, 9).empty());
  CHECK(b.held(kept_messages, 9) == "0 1 2 3 ");
  b.start(9);
  CHECK(b.state.queue(the_queue)->start == offset{9});
  const auto& progress = *b.state.delivery(here);
  const auto& row = progress.waiting().at(offset{4});
  CHECK(row.letter_queue == kept_messages);
  CHECK(row.letter == offset{2});
  CHECK(row.attempts == 0);
  CHECK(row.stored == unix_ms{50});
  CHECK(row.number == sequence{104});
  CHECK(progress.waiting().at(offset{2}).attempts == 1);
  CHECK(progress.lent().contains(offset{4}));
  CHECK_FALSE(progress.lent().contains(offset{2}));
  // Who knows nothing of the copy leaves it in the row.
  b.state.apply(unix_ms{80}, {effects::waiting{the_group, the_queue, row_of(4)}});
  CHECK(progress.waiting().at(offset{4}).letter == offset{2});
  // So does who knows only of an earlier copy.
  auto older = row_of(4);
  older.letter_queue = kept_messages;
  older.letter = offset{1};
  older.attempts = 7;
  b.state.apply(unix_ms{85}, {effects::waiting{the_group, the_queue, older}});
  CHECK(progress.waiting().at(offset{4}).letter == offset{2});
  CHECK(progress.waiting().at(offset{4}).attempts == 7);
  b.state.apply(unix_ms{90}, {effects::settled{the_group, the_queue, {{offset{2}, 3}}}});
  CHECK(b.held(kept_messages, 9) == "3 ");
}

TEST_CASE("a copy of what is dealt with meanwhile, or of a group that is gone, changes nothing") {
  begun b;
  const auto what = b.state.held(the_queue, offset{9}, 100);
  auto copies = copy_held(b.state, b.stored, what, offset{0}, {});
  REQUIRE(copies.ok());
  const bool deleted = GENERATE(false, true);
  if (deleted)
    b.state.apply(unix_ms{70}, {effects::progress_dropped{the_group}});
  else
    b.state.apply(unix_ms{70}, {effects::settled{the_group, the_queue, {{offset{2}, 4}}}});
  copies->insert(copies->begin(), effects::queue_opened{kept_messages, topic_id{0}});
  b.state.apply(unix_ms{80}, *copies);
  CHECK(b.held(kept_messages, 9).empty());
  CHECK((b.state.progress(here) == nullptr) == deleted);
}

TEST_CASE(
  "what a transaction has acknowledged waits for no attempt, whatever was written behind it") {
  begun b;
  // The group's actor had not heard of it when the message's lease ended.
  b.state.apply(unix_ms{70}, {effects::settled{the_group, the_queue, {{offset{2}, 3}}}});
  auto late = row_of(4);
  b.state.apply(unix_ms{71}, {effects::waiting{the_group, the_queue, row_of(2)},
                              effects::waiting{the_group, the_queue, late}});
  CHECK(b.state.delivery(here)->finished(offset{2}));
  CHECK(b.state.delivery(here)->finished(offset{4}));
  CHECK(b.held(the_queue, 9) == "5 ");
  // What is redriven begins anew.
  late.attempts = 0;
  late.letter_queue = queue_id{77};
  b.state.apply(unix_ms{72}, {effects::waiting{the_group, the_queue, late}});
  CHECK_FALSE(b.state.delivery(here)->finished(offset{4}));
}

TEST_CASE("groups share a copy") {
  begun b;
  b.state.apply(unix_ms{70}, {effects::waiting{another, the_queue, row_of(2)}});
  CHECK(b.held(the_queue, 3) == "0 1 2 2 ");
  b.copy(9);
  CHECK(b.state.queue(kept_messages)->next == offset{6});
  CHECK(b.state.delivery({another, the_queue})->waiting().at(offset{2}).letter ==
        b.state.delivery(here)->waiting().at(offset{2}).letter);
}

TEST_CASE("a copy of a message's letter is still a letter, and does not expire") {
  begun b;
  auto row = row_of(2);
  row.letter_queue = queue_id{77};
  row.letter = offset{0};
  const auto encoded = bodies(1);
  effects::batch letters;
  letters.queue = queue_id{77};
  letters.count = 1;
  letters.bytes = encoded.bytes;
  b.state.apply(unix_ms{60}, {effects::queue_opened{queue_id{77}, topic_id{2}}, letters,
                              effects::waiting{the_group, the_queue, row}});
  const auto held = b.state.held(queue_id{77}, offset{1}, 10);
  REQUIRE(held.size() == 1);
  const auto copies =
    copy_held(b.state, {queue_id{77}, offset{0}, 1, unix_ms{60}, letters}, held, offset{0}, {});
  REQUIRE(copies.ok());
  const auto& kept = std::get<effects::kept>(copies->back()).rows.at(0);
  CHECK(kept.stored == unix_ms{0});
  delivery_batch copy;
  copy.what = std::get<effects::batch>(copies->front());
  copy.time = unix_ms{90};
  const auto revived = revive_letter(copy, kept, 5, {});
  REQUIRE(revived.ok());
  CHECK((*revived)->expires.empty());
}

TEST_CASE("whether a copy is wanted is asked of the group's filter") {
  delivery_batch copy;
  const auto encoded = bodies(1);
  copy.what.count = 1;
  copy.what.bytes = encoded.bytes;
  const auto passes = [&copy](const char* expression) {
    const auto wanted = parse_filter({message_filter::kind::sql, expression});
    REQUIRE(wanted.ok());
    const auto out = first_passes(copy, *wanted, {});
    REQUIRE(out.ok());
    return *out;
  };
  CHECK(first_passes(copy, std::nullopt, {}).value());
  CHECK_FALSE(passes("color = 'red'"));
  CHECK(passes("color IS NULL"));
}
