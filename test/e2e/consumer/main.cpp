#include <carafe/client.hpp>

#include <iostream>

// A program of somebody who has only the installed client library: one message there and back.
int main(int, char** argv) {
  auto node = carafe::client::connect({.node = argv[1]});
  if (!node || !node->create_topic("greetings", 1)) return 1;
  auto producer = node->make_producer({});
  auto consumer = node->make_consumer({.topics = {"greetings"}});
  if (!producer || !consumer) return 2;
  if (!(*producer)->send("greetings", {.body = "hello"})) return 3;
  auto got = (*consumer)->poll(1, std::chrono::seconds{10});
  std::cout << (got && !got->empty() ? got->front().body : "nothing") << '\n';
}
