#include "test/client/fake_node.hpp"

#include "schema/batch.hpp"

#include <algorithm>

namespace carafe::test {
namespace {

/// The messages of `from` at `offsets`, as a node lends them: most of a batch with the others.
frames::leased batch_of(const model_queue::stored& from, const std::vector<offset>& offsets) {
  auto opened = batch_reader::open(from.what.batch, from.what.compression, {});
  CARAFE_ASSERT(opened.ok());
  auto builder = batch_builder{};
  auto frame = frames::leased{};
  for (auto at : offsets) {
    auto index = static_cast<std::uint32_t>(at.value - from.base.value);
    CARAFE_ASSERT(builder.add(opened->message(index)).ok());
    if (!frame.ranges.empty() && frame.ranges.back().end() == at)
      ++frame.ranges.back().count;
    else
      frame.ranges.push_back({at, 1});
  }
  frame.broker_time = unix_ms{1'700'000'000'000};
  frame.producer = from.what.producer;
  frame.first = from.what.first;
  frame.base = from.base;
  if (offsets.size() < opened->count() && offsets.size() * 4 >= opened->count() * std::size_t{3}) {
    frame.batch_count = opened->count();
    frame.compression = from.what.compression;
    frame.checksum = from.what.checksum;
    frame.batch = from.what.batch;
    return frame;
  }
  auto encoded = builder.finish(codec::none);
  CARAFE_ASSERT(encoded.ok());
  frame.compression = encoded->compression;
  frame.checksum = encoded->checksum;
  frame.batch = encoded->bytes;
  return frame;
}

} // namespace

void fake_node::join_shared(connection& c, std::uint64_t request, const frames::join& j) {
  auto id = subscription_id{(std::uint64_t{1} << 63) | member_.value};
  borrowers_[member_] = {&c, id, static_cast<std::int64_t>(j.credit_bytes)};
  put(c, request, frames::joined{member_, group_id{1}, id, settings_.lease_ms});
}

std::optional<frames::body> fake_node::leave(const frames::leave& l) {
  owners_.clear();
  member_ = {};
  lending_.member_left(l.member);
  borrowers_.erase(l.member);
  return frames::ok{};
}

void fake_node::take_credit(connection& c, const frames::credit& given) {
  auto at = subscriptions_.find({&c, given.subscription});
  if (at != subscriptions_.end()) at->second.credit += given.bytes;
  for (auto& [member, each] : borrowers_) {
    if (each.on == &c && each.subscription == given.subscription) each.credit += given.bytes;
  }
}

std::optional<frames::body> fake_node::settle(const frames::settle& s) {
  if (!borrowers_.contains(s.member)) return frames::error{errc::member_unknown, 0};
  if (!lending_.settle(s)) return frames::error{errc::not_owner, 0};
  return frames::ok{};
}

std::optional<frames::body> fake_node::renew(const frames::renew& r) {
  if (!borrowers_.contains(r.member)) return frames::error{errc::member_unknown, 0};
  return frames::renewed{lending_.reclaim(r)};
}

void fake_node::lend_all() {
  for (auto& [member, to] : borrowers_) {
    if (!settings_.lend_all) return;
    for (auto& [topic, queues] : topics_) {
      for (std::uint32_t number = 0; number < queues.size(); ++number) {
        auto all = offset_range{offset{0}, queues_[queues[number]].end().value};
        lend_locked(member, topic, number, {all});
      }
    }
  }
}

void fake_node::lend_locked(member_id member, const std::string& topic, std::uint32_t number,
                            const std::vector<offset_range>& ranges) {
  auto& to = borrowers_.at(member);
  auto queue = topics_.at(topic).at(number);
  for (auto& stored : queues_[queue].log()) {
    // Messages of one attempt travel together.
    auto chosen = std::map<std::uint32_t, std::vector<offset>>{};
    for (auto& range : ranges) {
      auto at = std::max(range.first, stored.base);
      auto end = std::min(range.end(), stored.base + stored.what.count);
      for (; at < end; at = at + 1) {
        if (lending_.free({queue, at})) chosen[lending_.attempt_of({queue, at})].push_back(at);
      }
    }
    for (auto& [attempt, offsets] : chosen) {
      if (to.credit <= 0) return;
      auto frame = batch_of(stored, offsets);
      frame.subscription = to.subscription;
      frame.topic = topic;
      frame.number = queue_number{number};
      frame.queue = queue;
      frame.attempt = attempt;
      to.credit -= static_cast<std::int64_t>(frame.batch.size());
      for (auto at : offsets) lending_.lend({queue, at}, member);
      put(*to.on, 0, std::move(frame));
    }
  }
}

void fake_node::lend(const std::string& topic, std::uint32_t number,
                     const std::vector<offset_range>& ranges) {
  auto guard = std::lock_guard{mutex_};
  lend_locked(member_, topic, number, ranges);
  wake();
}

void fake_node::take_away(const std::string& topic, std::uint32_t number, offset at) {
  auto guard = std::lock_guard{mutex_};
  lending_.take_away({topics_.at(topic).at(number), at});
}

void fake_node::forget_members() {
  auto guard = std::lock_guard{mutex_};
  for (auto& [member, to] : borrowers_) lending_.member_gone(member, true);
  borrowers_.clear();
}

std::vector<std::uint64_t> fake_node::finished(const std::string& topic,
                                               std::uint32_t number) const {
  auto guard = std::lock_guard{mutex_};
  auto found = std::vector<std::uint64_t>{};
  for (auto& [queue, at] : lending_.finished()) {
    if (queue == topics_.at(topic).at(number)) found.push_back(at.value);
  }
  return found;
}

std::size_t fake_node::lent() const {
  auto guard = std::lock_guard{mutex_};
  return lending_.lent();
}

} // namespace carafe::test
