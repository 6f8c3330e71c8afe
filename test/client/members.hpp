#pragma once

#include "test/client/quick.hpp"

#include <memory>
#include <string>
#include <vector>

namespace carafe::test {

using client::consumer_options;

inline consumer_options member_of(const std::string& group) {
  auto options = consumer_options{};
  options.topics = {"t"};
  options.group = group;
  options.member = "tester";
  options.commit_interval = 5ms;
  return options;
}

inline std::unique_ptr<client::consumer> make(const client::client& c, consumer_options options) {
  auto made = c.make_consumer(std::move(options));
  REQUIRE(made.ok());
  return std::move(*made);
}

inline void fill(const client::client& c, int count, std::uint32_t number = 0) {
  auto options = client::producer_options{};
  options.batch_count = 5;
  options.linger = 1s;
  auto p = c.make_producer(options);
  for (auto i = 0; i < count; ++i)
    REQUIRE((*p)->send_async("t", text(std::to_string(i)), nullptr, queue_number{number}).ok());
  REQUIRE((*p)->flush().ok());
}

inline texts numbers(int from, int to) {
  auto all = texts{};
  for (auto i = from; i < to; ++i) all.push_back(std::to_string(i));
  return all;
}

inline void ack_all(client::consumer& from, const std::vector<delivery>& messages) {
  for (auto& d : messages) REQUIRE(from.ack(d).ok());
}

inline fake_node::settings by_hand() {
  auto s = fake_node::settings{};
  s.assign_all = false;
  return s;
}

} // namespace carafe::test
