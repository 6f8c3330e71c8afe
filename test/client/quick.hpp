#pragma once

#include "test/client/fake_node.hpp"

#include <carafe/client.hpp>

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace carafe::test {

using namespace std::chrono_literals;
using carafe::client::delivery;
using carafe::client::message;
using carafe::client::receipt;

/// Options that do not make a test wait.
inline client::connect_options quick(const std::string& node) {
  auto options = client::connect_options{};
  options.node = node;
  options.timeout = 5s;
  options.backoff_min = 2ms;
  options.backoff_max = 20ms;
  return options;
}

inline client::client connected(const fake_node& node) {
  auto c = client::connect(quick(node.address()));
  REQUIRE(c.ok());
  return std::move(*c);
}

inline message text(std::string body, std::string key = {}) {
  auto m = message{};
  m.body = std::move(body);
  m.key = std::move(key);
  return m;
}

inline std::vector<std::string> bodies_of(const std::vector<delivery>& messages) {
  auto all = std::vector<std::string>{};
  for (auto& d : messages) all.push_back(d.body);
  return all;
}

/// Polls until `count` messages came, at most five seconds.
inline std::vector<delivery> take(client::consumer& from, std::size_t count) {
  auto all = std::vector<delivery>{};
  auto until = std::chrono::steady_clock::now() + 5s;
  while (all.size() < count && std::chrono::steady_clock::now() < until) {
    auto got = from.poll(count - all.size(), 100ms);
    REQUIRE(got.ok());
    for (auto& d : *got) all.push_back(std::move(d));
  }
  return all;
}

using texts = std::vector<std::string>;

} // namespace carafe::test
