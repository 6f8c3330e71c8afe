/// A member of a consumer group that writes what it gets to a file, until SIGTERM.

#include "test/demo/connecting.hpp"
#include "test/demo/delivery_file.hpp"
#include "test/demo/progress_file.hpp"

#include <carafe/client.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace {

using namespace carafe;

volatile std::sig_atomic_t stopping = 0;

template <class T>
T must(result<T> r) {
  if (!r) throw std::runtime_error{r.error().message()};
  return std::move(r).value();
}
void must(const result<void>& r) {
  if (!r) throw std::runtime_error{r.error().message()};
}

/// Appends with one system call for each write, so that kill -9 keeps what was acknowledged.
class delivery_writer {
public:
  explicit delivery_writer(const std::string& path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    if (fd_ < 0) throw std::runtime_error{path + ": " + std::strerror(errno)};
  }
  ~delivery_writer() { ::close(fd_); }
  delivery_writer(const delivery_writer&) = delete;
  delivery_writer& operator=(const delivery_writer&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto done = ::write(fd_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) throw std::runtime_error{std::string{"write: "} + std::strerror(errno)};
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
  }

private:
  int fd_;
};

struct assignment {
  std::string node, topic, group, member, deliveries_path, progress_path;
};

int consume(const assignment& a) {
  delivery_writer out{a.deliveries_path};
  demo::progress_file progress{a.progress_path};
  progress.show({0});
  auto node = must(demo::connect({.node = a.node, .name = a.member}));
  client::consumer_options options;
  options.topics = {a.topic};
  options.group = a.group;
  options.member = a.member;
  auto consumer = must(node.make_consumer(options));
  std::uint64_t received = 0;
  std::string bytes;
  while (!stopping) {
    const auto messages = must(consumer->poll(512, std::chrono::milliseconds{50}));
    bytes.clear();
    for (const auto& d : messages)
      demo::append_record(bytes, {d.number.value, d.offset.value, d.key, d.body});
    out.write(bytes);
    for (const auto& d : messages) {
      const auto acked = consumer->ack(d);
      // The queue has moved on to another member, who gets the message too.
      if (!acked && acked.code() != errc::not_owner) must(acked);
    }
    received += messages.size();
    progress.show({received});
  }
  must(consumer->close());
  return 0;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 7) {
    std::cerr << "usage: demo_consume NODE TOPIC GROUP MEMBER DELIVERIES PROGRESS\n";
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopping = 1; });
  return consume({argv[1], argv[2], argv[3], argv[4], argv[5], argv[6]});
} catch (const std::exception& e) {
  std::cerr << "demo_consume: " << e.what() << '\n';
  return 1;
}
