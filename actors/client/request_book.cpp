#include "actors/client/request_book.hpp"

#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace carafe::client {

std::string request_book::prefix_of(std::uint64_t nonce) {
  char text[24];
  std::snprintf(text, sizeof text, "%016" PRIx64 "-", nonce);
  return text;
}

result<std::string> request_book::open(time_point deadline, callback done) {
  if (open_.size() >= in_flight_max_)
    return {errc::too_many_requests,
            std::to_string(in_flight_max_) + " requests wait for their answers"};
  const auto number = ++last_;
  open_.emplace(number, waiting{std::move(done), deadline});
  deadlines_.emplace(deadline, number);
  return prefix_ + std::to_string(number);
}

std::optional<std::uint64_t> request_book::number_in(std::string_view correlation_id) const {
  if (!correlation_id.starts_with(prefix_)) return std::nullopt;
  correlation_id.remove_prefix(prefix_.size());
  std::uint64_t number = 0;
  const auto* end = correlation_id.data() + correlation_id.size();
  const auto [stop, error] = std::from_chars(correlation_id.data(), end, number);
  if (error != std::errc{} || stop != end || number == 0 || number > last_) return std::nullopt;
  return number;
}

request_book::callback request_book::take(place at) {
  auto done = std::move(at->second.done);
  deadlines_.erase({at->second.deadline, at->first});
  open_.erase(at);
  return done;
}

void request_book::stored(std::string_view correlation_id) {
  const auto number = number_in(correlation_id);
  const auto at = number ? open_.find(*number) : open_.end();
  if (at != open_.end()) at->second.stored = true;
}

std::optional<request_book::callback> request_book::close(std::string_view correlation_id) {
  const auto number = number_in(correlation_id);
  const auto at = number ? open_.find(*number) : open_.end();
  if (at == open_.end()) return std::nullopt;
  return take(at);
}

std::optional<request_book::callback> request_book::answered(std::string_view correlation_id) {
  auto done = close(correlation_id);
  if (!done && number_in(correlation_id)) ++late_;
  return done;
}

std::vector<request_book::failed> request_book::expire(time_point now) {
  std::vector<failed> over;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto at = open_.find(deadlines_.begin()->second);
    auto why =
      at->second.stored
        ? failure{errc::timeout, "the request is stored and was not answered in time; it may still "
                                 "be handled"}
        : failure{errc::outcome_unknown, "the request has neither a receipt nor an answer"};
    over.push_back({take(at), std::move(why)});
  }
  return over;
}

std::vector<request_book::failed> request_book::fail_all(const failure& why) {
  std::vector<failed> all;
  while (!open_.empty()) all.push_back({take(open_.begin()), why});
  return all;
}

std::optional<time_point> request_book::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

} // namespace carafe::client
