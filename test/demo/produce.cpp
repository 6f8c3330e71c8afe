/// Sends every record of a file to a topic, spread over a given time, and writes down each receipt.

#include "test/demo/connecting.hpp"
#include "test/demo/progress_file.hpp"
#include "test/demo/records.hpp"

#include <carafe/client.hpp>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace carafe;
using clock_type = std::chrono::steady_clock;

/// Receipts as they come, on the connection's thread.
class receipts {
public:
  explicit receipts(std::size_t count) : queue_(count), offset_(count) {}

  void take(std::size_t index, const result<client::receipt>& answer) {
    if (!answer) {
      const std::lock_guard guard{lock_};
      if (failed_++ == 0) first_failure_ = answer.error().message();
      return;
    }
    queue_[index] = answer->number.value;
    offset_[index] = answer->offset.value;
    if (answer->duplicate) ++duplicates_;
    ++stored_;
  }

  [[nodiscard]] std::uint64_t stored() const noexcept { return stored_; }
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }
  [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }
  [[nodiscard]] const std::string& first_failure() const noexcept { return first_failure_; }

  /// A line "queue offset" for each record, in the order of the file.
  [[nodiscard]] std::string text() const {
    std::string out;
    for (std::size_t i = 0; i < queue_.size(); ++i)
      out += std::to_string(queue_[i]) + ' ' + std::to_string(offset_[i]) + '\n';
    return out;
  }

private:
  std::vector<std::uint32_t> queue_;
  std::vector<std::uint64_t> offset_;
  std::atomic<std::uint64_t> stored_ = 0, duplicates_ = 0, failed_ = 0;
  std::mutex lock_;
  std::string first_failure_;
};

struct assignment {
  std::string node, topic, records_path, receipts_path, progress_path;
  double seconds = 0;
  std::size_t most = 0;
};

int produce(const assignment& a) {
  const auto text = demo::read_whole_file(a.records_path);
  const auto records = demo::split_records(text, a.most);
  demo::progress_file progress{a.progress_path};
  receipts got{records.size()};
  auto node = demo::connect({.node = a.node});
  if (!node) throw std::runtime_error{node.error().message()};
  client::producer_options options;
  options.delivery_timeout = std::chrono::minutes{1};
  auto producer = node->make_producer(options);
  if (!producer) throw std::runtime_error{producer.error().message()};
  std::uint64_t given = 0;
  std::atomic<bool> done = false;
  std::mutex shown;
  const auto show = [&] {
    const std::lock_guard guard{shown};
    progress.show({got.stored(), got.duplicates(), records.size()});
  };
  std::thread showing{[&] {
    while (!done) {
      show();
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
  }};
  const auto begun = clock_type::now();
  for (const auto& r : records) {
    const std::chrono::duration<double> due{a.seconds * static_cast<double>(given) /
                                            static_cast<double>(records.size())};
    std::this_thread::sleep_until(begun + std::chrono::duration_cast<clock_type::duration>(due));
    client::message m;
    m.key = r.key;
    m.body = r.body;
    const auto index = given++;
    const auto sent = (*producer)->send_async(
      a.topic, std::move(m),
      [&got, index](const result<client::receipt>& answer) { got.take(index, answer); });
    if (!sent) got.take(index, sent.error());
  }
  const auto flushed = (*producer)->flush();
  producer->reset();
  done = true;
  showing.join();
  show();
  if (!flushed) throw std::runtime_error{flushed.error().message()};
  if (got.failed() > 0)
    throw std::runtime_error{std::to_string(got.failed()) + " failed, the first with " +
                             got.first_failure()};
  demo::write_whole_file(a.receipts_path, got.text());
  return 0;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 8) {
    std::cerr << "usage: demo_produce NODE TOPIC RECORDS RECEIPTS PROGRESS SECONDS MOST\n";
    return 2;
  }
  return produce(
    {argv[1], argv[2], argv[3], argv[4], argv[5], std::stod(argv[6]), std::stoul(argv[7])});
} catch (const std::exception& e) {
  std::cerr << "demo_produce: " << e.what() << '\n';
  return 1;
}
