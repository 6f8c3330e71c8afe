#include "actors/core/filter.hpp"

#include "test/core/filter_reference.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

/// What would come after it in a filter that is right.
const std::vector<std::string> tokens{
  "(",    ")",    "'",     "''",     "\"",      "a",    "b.c", "1",    "2.5",  "1e9",
  "=",    "<>",   "<",     ">=",     "+",       "-",    "*",   "/",    "||",   "|",
  ",",    " ",    "\n",    "%",      "AND",     "OR",   "NOT", "LIKE", "IN",   "IS",
  "NULL", "TRUE", "FALSE", "ESCAPE", "BETWEEN", "TAGS", "'x'", "\xc3", "\x80", "'a%_'"};

std::vector<filtered_message> random_messages(dice& d) {
  std::vector<filtered_message> out;
  for (auto left = d.between(1, 60); left > 0; --left) out.push_back(random_message(d));
  // Every other batch has neither tags nor keys nor most of the properties.
  if (d.percent(20)) {
    for (auto& m : out) m = {{}, "", ""};
  }
  return out;
}

batch_reader batch_of(const std::vector<filtered_message>& messages, codec compression) {
  batch_builder builder;
  for (const auto& m : messages)
    REQUIRE(m.as_view([&](const message_view& view) { return builder.add(view).ok(); }));
  const auto encoded = builder.finish(compression);
  REQUIRE(encoded.ok());
  auto opened = batch_reader::open(encoded->bytes, encoded->compression, {});
  REQUIRE(opened.ok());
  return std::move(*opened);
}

std::vector<message_run> runs_of(const std::vector<bool>& wanted) {
  std::vector<message_run> out;
  for (std::uint32_t at = 0; at < wanted.size(); ++at) {
    if (!wanted[at]) continue;
    if (at == 0 || !wanted[at - 1]) out.push_back({at, 0});
    ++out.back().count;
  }
  return out;
}

bool is_printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// Parses it and, if it is a filter, lets it look at a message.
void try_out(const std::string& text, const filtered_message& message) {
  for (const auto kind : {filter_kind::tags, filter_kind::sql}) {
    const auto parsed = filter::parse(kind, text);
    if (parsed) {
      (void)matches(*parsed, message);
      continue;
    }
    REQUIRE(parsed.code() == errc::filter_invalid);
    REQUIRE(parsed.error().detail.size() < 200);
    REQUIRE(is_printable(parsed.error().detail));
    REQUIRE((text.size() > filter_bytes_max) != parsed.error().detail.starts_with("column "));
  }
}

} // namespace

TEST_CASE("A filter decides as a naive evaluation of its tree does") {
  with_seeds(10'000, [](dice& d) {
    const auto condition = random_condition(d, d.below(5));
    const auto text = written(condition, d);
    INFO(text);
    const auto f = filter::parse(filter_kind::sql, text);
    if (!f) {
      // Whatever random conditions break, it is the limits.
      INFO(f.error().detail);
      REQUIRE((text.size() > filter_bytes_max || f.error().detail.find("more than") != text.npos));
      return;
    }
    for (int i = 0; i < 20; ++i) {
      const auto message = random_message(d);
      const auto expected = holds(condition, message);
      REQUIRE(matches(*f, message) == (expected == true));
      if (text.size() + 6 > filter_bytes_max) continue;
      const auto opposite = filter::parse(filter_kind::sql, "NOT (" + text + ")");
      if (opposite) REQUIRE(matches(*opposite, message) == (expected == false));
    }
  });
}

TEST_CASE("A filter selects from a batch the messages that match") {
  with_seeds(2'000, [](dice& d) {
    const auto messages = random_messages(d);
    const auto batch = batch_of(messages, d.percent(50) ? codec::none : codec::lz4);
    // Left from another batch.
    std::vector<message_run> out{{7, 7}};
    for (int i = 0; i < 10; ++i) {
      const auto kind = d.percent(20) ? filter_kind::tags : filter_kind::sql;
      const auto text =
        kind == filter_kind::sql ? written(random_condition(d, d.below(4)), d) : "x || a";
      INFO(text);
      const auto f = filter::parse(kind, text);
      if (!f) continue;
      std::vector<bool> wanted;
      for (const auto& m : messages) wanted.push_back(matches(*f, m));
      f->select(batch, out);
      REQUIRE(out == runs_of(wanted));
    }
  });
}

TEST_CASE("No text crashes the parser, and what is refused is refused in plain words") {
  with_seeds(20'000, [](dice& d) {
    const auto message = random_message(d);
    std::string bytes(d.below(d.percent(2) ? 6'000 : 60), '\0');
    for (auto& c : bytes) c = static_cast<char>(d.below(256));
    try_out(bytes, message);

    std::string soup;
    for (auto left = d.below(d.percent(5) ? 2'000 : 30); left > 0; --left) soup += d.pick(tokens);
    try_out(soup, message);

    auto spoilt = written(random_condition(d, d.below(4)), d);
    for (auto left = d.between(1, 3); left > 0 && !spoilt.empty(); --left) {
      const auto at = d.below(spoilt.size());
      if (d.percent(50)) {
        spoilt.erase(at, d.between(1, 3));
      } else {
        spoilt.insert(at, d.pick(tokens));
      }
    }
    try_out(spoilt, message);
  });
}
