#include <carafe/errc.hpp>
#include <carafe/result.hpp>

#include <catch2/catch.hpp>

#include <set>

using namespace carafe;

namespace {

/// Every code that a number gives.
std::vector<errc> all_codes() {
  auto codes = std::vector<errc>{};
  for (unsigned number = 0; number <= 0xffff; ++number) {
    auto code = errc_from_number(static_cast<std::uint16_t>(number));
    if (static_cast<unsigned>(code) == number) codes.push_back(code);
  }
  return codes;
}

} // namespace

TEST_CASE("every error has a name of its own and a sentence with cause and fix") {
  auto names = std::set<std::string_view>{};
  for (auto code : all_codes()) {
    CAPTURE(to_string(code));
    CHECK(names.insert(to_string(code)).second);
    CHECK(to_string(code).find_first_not_of("abcdefghijklmnopqrstuvwxyz_") ==
          std::string_view::npos);
    CHECK(explain(code).size() > 10);
    CHECK(explain(code).back() != '.');
  }
  CHECK(names.size() == 76);
}

TEST_CASE("numbers of errors are part of the protocol") {
  CHECK(errc_from_number(0) == errc::none);
  CHECK(errc_from_number(6) == errc::outcome_unknown);
  CHECK(errc_from_number(20) == errc::frame_malformed);
  CHECK(errc_from_number(60) == errc::sequence_gap);
  CHECK(errc_from_number(113) == errc::filter_invalid);
  CHECK(errc_from_number(116) == errc::name_in_use);
  CHECK(errc_from_number(117) == errc::too_many_names);
  CHECK(errc_from_number(120) == errc::not_leader);
  CHECK(errc_from_number(143) == errc::config_unreadable);
}

TEST_CASE("an unknown number is an internal error") {
  CHECK(errc_from_number(9) == errc::internal);
  CHECK(errc_from_number(0xffff) == errc::internal);
  CHECK(to_string(static_cast<errc>(999)) == "internal");
  CHECK_FALSE(is_retriable(static_cast<errc>(999)));
}

TEST_CASE("what passes by itself may be retried") {
  for (auto code : {errc::timeout, errc::outcome_unknown, errc::not_leader, errc::storage_full,
                    errc::shard_unavailable, errc::disconnected})
    CHECK(is_retriable(code));
  for (auto code : {errc::none, errc::invalid_argument, errc::batch_malformed, errc::sequence_gap,
                    errc::topic_unknown, errc::permission_denied})
    CHECK_FALSE(is_retriable(code));
}

TEST_CASE("a failure's message has name, sentence and particulars") {
  auto text = failure{errc::topic_unknown, "orders"}.message();
  CHECK(text.find("topic_unknown: ") == 0);
  CHECK(text.find(explain(errc::topic_unknown)) != std::string::npos);
  CHECK(text.substr(text.size() - 8) == "(orders)");
  CHECK(failure{errc::topic_unknown}.message().back() != ')');
}
