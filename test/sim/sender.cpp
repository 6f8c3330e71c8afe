#include "test/sim/sender.hpp"

namespace carafe::sim {

std::optional<frames::receipt> sender::step() {
  const auto news = link_.take();
  std::optional<frames::receipt> out;
  if (news.answer && open_) out = answered(*news.answer);
  if (link_.ready() && open_) link_.ask(*open_);
  return out;
}

std::optional<frames::receipt> sender::answered(const frames::body& answer) {
  const auto which =
    "batch " + std::to_string(open_->producer.value) + ":" + std::to_string(open_->first.value);
  if (const auto* receipt = std::get_if<frames::receipt>(&answer)) {
    expect(receipt->queue == open_->queue && receipt->count == open_->count,
           which + " got another one's receipt");
    open_.reset();
    return *receipt;
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, which + " was answered with another frame");
  const auto code = error->why.code;
  expect(code == errc::too_many_requests || code == errc::storage_full ||
           code == errc::shutting_down || code == errc::shard_unavailable ||
           code == errc::outcome_unknown,
         which + " was answered with " + error->why.message());
  return std::nullopt;
}

} // namespace carafe::sim
