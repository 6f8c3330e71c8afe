#pragma once

/// What a client of the rig asks for, and what it makes of the answers.

#include "actors/error_bridge.hpp"
#include "test/actors/rig.hpp"

#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include <utility>

namespace carafe::test {

/// One producer that writes to one queue, a message a batch.
struct sender {
  rig::client& c;
  queue_id queue;
  producer_id producer{9};
  std::uint64_t last = 0;

  void send(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto batch = produce_of(queue, producer, sequence{last + 1}, sequence{last},
                                    {"m" + std::to_string(last)});
      ++last;
      REQUIRE(c.ask<frames::receipt>(batch).ok());
    }
  }
};

inline frames::topic_description make_topic(rig::client& c, const std::string& name,
                                            std::uint32_t queues,
                                            durability mode = durability::fsync) {
  frames::topic_create create;
  create.name = name;
  create.queues = queues;
  create.settings.mode = mode;
  auto made = c.ask<frames::topic_description>(create);
  REQUIRE(made.ok());
  return *made;
}

inline frames::subscribe subscription(std::uint64_t id, queue_id queue, start_position start,
                                      std::uint32_t credit = 1 << 20) {
  frames::subscribe out;
  out.subscription = subscription_id{id};
  out.queue = queue;
  out.start = start;
  out.credit_bytes = credit;
  return out;
}

inline start_position at_offset(std::uint64_t at) {
  return {start_position::kind::at_offset, offset{at}, {}};
}

/// Takes the first offset of each batch that has come.
inline std::vector<std::uint64_t> delivered(rig::client& c) {
  std::vector<std::uint64_t> out;
  while (auto d = c.take<frames::deliver>()) out.push_back(d->base.value);
  return out;
}

inline std::vector<std::uint64_t> range(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> out;
  for (auto i = from; i < to; ++i) out.push_back(i);
  return out;
}

inline frames::join joining(const std::string& group, const std::string& topic) {
  frames::join out;
  out.group = group;
  out.topics = {topic};
  out.credit_bytes = 1 << 20;
  return out;
}

inline frames::commit committing(member_id member, const frames::assigned& mine, offset next) {
  frames::commit out;
  out.member = member;
  out.positions = {{mine.queue, mine.owner, next}};
  return out;
}

/// Asks an actor directly, without a session.
template <class Answer, class Handle, class... Args>
Answer ask_actor(rig& r, const Handle& actor, Args&&... args) {
  caf::scoped_actor self{r.system()};
  auto asked = self->request(actor, caf::infinite, std::forward<Args>(args)...);
  r.settle();
  Answer out;
  asked.receive([&](Answer& answer) { out = std::move(answer); },
                [](const caf::error& why) { FAIL(from_caf(why).message()); });
  return out;
}

} // namespace carafe::test
