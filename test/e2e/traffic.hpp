#pragma once

#include "test/e2e/recorder.hpp"

#include <carafe/client.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace carafe::test {

/// Throws what a result says, for the parts of a test that prepare or observe.
template <class T>
T must(result<T> r) {
  if (!r) throw std::runtime_error{r.error().message()};
  return std::move(r).value();
}
inline void must(const result<void>& r) {
  if (!r) throw std::runtime_error{r.error().message()};
}

/// Waits out a node that is being started again.
[[nodiscard]] client::client connect_to(const std::string& address);

struct load_options {
  std::string address;
  std::string topic = "load";
  std::uint32_t queues = 4;
  std::uint32_t producers = 2;
  /// Messages without an answer, of each producer.
  std::uint32_t in_flight = 200;
  std::size_t body_bytes = 300;
  /// Messages a second of each producer; 0: as many as it takes.
  std::uint32_t rate = 0;
};

/// Producers, a thread and a connection each, that write to all queues of a topic in turn and
/// record what was sent and answered.
class load {
public:
  load(load_options options, recorder& to);
  ~load();
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  /// No more messages; waits until each is answered.
  void stop();

  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  /// Answered with an error, whatever it says.
  [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }
  /// Receipts that say that a retry found the message already stored.
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }

private:
  void produce(std::uint32_t producer);
  void answered(message_name name, const result<client::receipt>& answer);

  const load_options options_;
  recorder& recorder_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> acknowledged_ = 0, failed_ = 0, duplicates_ = 0;
  std::vector<std::thread> threads_;
};

/// A member of a group on a thread of its own: records what it gets and acknowledges it.
class group_member {
public:
  struct options {
    std::string address;
    std::string topic = "load";
    std::string group = "workers";
    std::string member{};
    /// The group's number in the history.
    reader as{reader::kind::group, 1};
    range_policy out_of_range = range_policy::error;
    client::group_mode mode = client::group_mode::ordered;
    std::string durable_name{};
  };
  group_member(options wanted, recorder& to);
  ~group_member();
  group_member(const group_member&) = delete;
  group_member& operator=(const group_member&) = delete;

  /// Commits and leaves the group.
  void stop();
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::vector<client::consumer::owned_queue> queues() const {
    return consumer_->queues();
  }
  /// What ended it before `stop`, if anything did.
  [[nodiscard]] std::string failure() const;

private:
  void consume();

  recorder& recorder_;
  reader as_;
  client::client client_;
  std::unique_ptr<client::consumer> consumer_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> received_ = 0;
  mutable std::mutex lock_;
  std::string failure_;
  std::thread thread_;
};

/// Whether the group has committed everything that its topics hold now.
[[nodiscard]] bool is_up_to_date(const client::client& c, const std::string& group);

/// Reads all queues of a topic from the earliest offset to the end they have now.
/// @returns The number of messages.
std::uint64_t read_everything(const std::string& address, const std::string& topic, recorder& to,
                              reader as);

/// The bodies of a queue, in order, from the earliest offset to the end it has now.
std::vector<std::string> bodies_in(const std::string& address, const std::string& topic,
                                   queue_number number);

} // namespace carafe::test
