#include "cli/bench/deliveries.hpp"

#include "cli/bench/node_watch.hpp"
#include "cli/bench/waiting.hpp"

#include <charconv>
#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace carafe::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds poll_wait{50};
constexpr std::chrono::seconds longest_silence{20};
/// So many messages later comes the acknowledgement of one that is not acknowledged in order.
constexpr std::size_t late_by = 100;
/// What always fails comes again so soon.
constexpr std::chrono::milliseconds poison_again{100};

bool is_poison(std::string_view key, const settling& how) {
  std::uint64_t number = 0;
  if (how.poison_of == 0) return false;
  std::from_chars(key.data(), key.data() + key.size(), number);
  return number % how.poison_of == 0;
}

/// Acknowledges as `how` says; every message is in the end.
class settler {
public:
  settler(client::consumer& consumer, const settling& how) : consumer_(&consumer), how_(how) {}

  result<void> take(client::delivery&& d) {
    if (is_poison(d.key, how_))
      return consumer_->nack(d, {.delay = poison_again, .error = "poison"});
    const auto turn = ++seen_ % 1'000;
    if (d.attempt == 1 && turn < how_.failing_per_mille)
      return consumer_->nack(d, {.delay = std::chrono::milliseconds{0}, .error = "bench"});
    ++done_;
    bytes_ += d.body.size();
    if (turn >= 1'000 - how_.late_per_mille) {
      held_.push_back(std::move(d));
      return held_.size() > late_by ? release() : result<void>{};
    }
    return consumer_->ack(d);
  }
  result<void> finish() {
    while (!held_.empty())
      if (auto ok = release(); !ok) return ok;
    return {};
  }
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
  result<void> release() {
    auto ok = consumer_->ack(held_.front());
    held_.pop_front();
    return ok;
  }

  client::consumer* consumer_;
  settling how_;
  std::deque<client::delivery> held_;
  std::uint64_t seen_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t bytes_ = 0;
};

} // namespace

std::uint64_t healthy_of(const load& what, const settling& how) {
  if (how.poison_of == 0) return what.messages;
  const auto of_keys = [&](std::uint64_t keys) {
    return (keys + how.poison_of - 1) / how.poison_of;
  };
  const auto rounds = what.messages / what.keys, rest = what.messages % what.keys;
  return what.messages - rounds * of_keys(what.keys) - of_keys(rest);
}

result<figures> consume_in_group(shell::node_api& node, const load& what, const settling& how,
                                 shell::interruption& stop) {
  const auto group = "bench-of-" + what.topic;
  client::consumer_options options;
  options.topics = {what.topic};
  options.group = group;
  options.mode = how.mode;
  figures out{.workload = how.mode == client::group_mode::keyed ? "keyed group" : "shared group"};
  if (how.poison_of != 0)
    out.workload += ", one key in " + std::to_string(how.poison_of) + " always fails";
  {
    auto consumer = node.make_consumer(options);
    if (!consumer) return consumer.error();
    auto watch = node_watch::begin(node);
    if (!watch) return watch.error();
    settler settles{**consumer, how};
    const auto begun = clock::now();
    auto last_came = begun;
    const auto wanted = healthy_of(what, how);
    while (settles.done() < wanted) {
      if (stop.requested()) return interrupted();
      auto some = (*consumer)->poll(4'096, poll_wait);
      if (!some) return some.error();
      const auto before = settles.done();
      for (auto& d : *some)
        if (auto ok = settles.take(std::move(d)); !ok) return ok.error();
      if (settles.done() > before) last_came = clock::now();
      if (clock::now() - last_came > longest_silence)
        return {errc::timeout, "only " + std::to_string(settles.done()) + " messages came"};
    }
    if (auto ok = settles.finish(); !ok) return ok.error();
    // What was acknowledged is so on the node when this returns.
    if (auto ok = (*consumer)->close(); !ok) return ok.error();
    out.seconds = std::chrono::duration<double>(clock::now() - begun).count();
    out.messages = settles.done();
    out.bytes = settles.bytes();
    if (auto ok = (*watch)->end(out); !ok) return ok.error();
  }
  if (auto ok = node.delete_group(group); !ok) return ok.error();
  // Where there were none, there is no topic of them.
  if (auto ok = node.delete_topic("%DLQ%" + group); !ok && ok.code() != errc::topic_unknown)
    return ok.error();
  return out;
}

} // namespace carafe::bench
