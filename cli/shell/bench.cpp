#include "cli/bench/deliveries.hpp"
#include "cli/bench/rounds.hpp"
#include "cli/bench/timers.hpp"
#include "cli/bench/transactions.hpp"
#include "cli/bench/workload.hpp"
#include "cli/shell/commands.hpp"
#include "cli/shell/group_changes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

namespace carafe::shell {

namespace {

namespace fs = std::filesystem;
using bench::figures;

/// No node takes more.
constexpr std::uint64_t body_bytes_most = 64u << 20;
constexpr std::uint64_t key_bytes_most = 64u << 10;
constexpr std::uint64_t batch_bytes_min = 1u << 10;
constexpr std::uint64_t batch_bytes_most = 8u << 20;

enum class workload : std::uint8_t {
  all,
  produce,
  consume,
  one_by_one,
  shared,
  keyed,
  poison,
  transactions,
  features,
  store_later,
  deliver_later,
  ceiling
};

struct bench_options {
  workload what = workload::all;
  bench::load load;
  std::string topic, folder;
  std::uint64_t one_by_one = 10'000;
  std::optional<client::message_filter> filter;
  std::uint32_t rounds = 3;
  std::uint64_t transaction_messages = 10;
  std::chrono::milliseconds ahead = std::chrono::hours{24 * 365};
  bool keep = false;
};

value fraction(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", number);
  return {.json = text.data(), .shown = text.data(), .right = true};
}

value ratio(double part, double of) { return of > 0 ? fraction(part / of) : value::none(); }

void add_latency(record& r, const core::histogram& latency) {
  const auto at = [&](unsigned per_mille) {
    return latency.count() == 0 ? value::none() : value::latency(latency.quantile(per_mille));
  };
  r.add("p50_us", at(500));
  r.add("p99_us", at(990));
  r.add("p99_9_us", at(999));
  r.add("max_us", latency.count() == 0 ? value::none() : value::latency(latency.max()));
}

void add_rates(record& r, double messages, double bytes, double seconds) {
  r.add("messages_per_second", value::rate(seconds > 0 ? messages / seconds : 0));
  r.add("bytes_per_second", value::size_rate(seconds > 0 ? bytes / seconds : 0));
}

record figures_record(const figures& f) {
  record r;
  r.add("workload", value::text(f.workload));
  r.add("messages", value::count(f.messages));
  add_rates(r, static_cast<double>(f.messages), static_cast<double>(f.bytes), f.seconds);
  add_latency(r, f.latency);
  const auto millions = static_cast<double>(f.messages) / 1e6;
  r.add("node_cpu_seconds_per_million", ratio(static_cast<double>(f.node_cpu_ms) / 1e3, millions));
  r.add("node_memory_peak_bytes", value::size(f.node_memory_peak_bytes));
  r.add("disk_bytes_per_payload_byte",
        ratio(static_cast<double>(f.disk_bytes), static_cast<double>(f.bytes)));
  r.add("groups", value::count(f.groups));
  r.add("fsyncs", value::count(f.fsyncs));
  return r;
}

/// A run: the topic is there while it lives, and goes with it unless it was there before.
class run {
public:
  run(bench_options& o, command_context& context)
    : o_(o), context_(context), node_(context.node(std::chrono::minutes{1})) {}
  ~run() {
    if (made_ && !o_.keep) (void)node_->delete_topic(o_.load.topic);
  }
  run(const run&) = delete;
  run& operator=(const run&) = delete;

  result<void> prepare() {
    if (auto ok = check_size(); !ok) return ok;
    o_.load.topic = o_.topic.empty() ? "bench-" + std::to_string(context_.now.value) : o_.topic;
    if (!o_.topic.empty()) {
      const auto known = node_->describe_topic(o_.topic);
      if (known) return {};
      // What is to be read must be there.
      if (o_.what == workload::consume || known.code() != errc::topic_unknown) return known.error();
    }
    client::topic_settings settings;
    settings.mode = o_.load.mode;
    auto made = node_->create_topic(o_.load.topic, o_.load.queues, settings, false);
    if (!made) return made.error();
    made_ = true;
    return {};
  }

  /// Shows what each workload came to when it is done.
  result<void> measure() {
    const auto take = [&](const result<figures>& f) -> result<void> {
      if (!f) return f.error();
      show(figures_record(*f));
      return {};
    };
    if (o_.what == workload::store_later)
      return take(bench::store_for_later(*node_, o_.load, o_.ahead, context_.stop));
    if (o_.what == workload::deliver_later)
      return take(bench::deliver_at_their_times(*node_, o_.load, context_.stop));
    if (o_.what == workload::shared || o_.what == workload::keyed) {
      if (auto ok = take(bench::produce(*node_, o_.load, context_.stop)); !ok) return ok;
      bench::settling how;
      how.mode =
        o_.what == workload::keyed ? client::group_mode::keyed : client::group_mode::shared;
      return take(bench::consume_in_group(*node_, o_.load, how, context_.stop));
    }
    if (o_.what == workload::poison) return measure_poison();
    if (o_.what == workload::features) return measure_features();
    if (o_.what == workload::transactions)
      return take(
        bench::commit_transactions(*node_, o_.load, o_.transaction_messages, context_.stop));
    const auto wants = [&](workload w) { return o_.what == w || o_.what == workload::all; };
    if (wants(workload::produce))
      if (auto ok = take(bench::produce(*node_, o_.load, context_.stop)); !ok) return ok;
    if (wants(workload::consume))
      if (auto ok = take(bench::consume(*node_, o_.load, context_.stop)); !ok) return ok;
    if (wants(workload::one_by_one)) {
      auto load = o_.load;
      load.messages = std::min(o_.one_by_one, o_.load.messages);
      return take(bench::produce_one_by_one(*node_, load, context_.stop));
    }
    return {};
  }

  result<void> measure_ceiling();
  result<void> measure_poison();
  result<void> measure_features();

private:
  result<fs::path> folder() const;
  result<void> check_size() const;
  void show(const record& r) const {
    context_.terminal.write(
      (context_.globals.json ? to_json(r) : to_details(r, context_.terminal.colours())) + '\n');
  }

  bench_options& o_;
  command_context& context_;
  std::shared_ptr<node_api> node_;
  bool made_ = false;
};

/// Before anything is made of that size, or a topic for it.
result<void> run::check_size() const {
  if (o_.what == workload::consume) return {};
  auto most = node_->message_bytes_max();
  if (!most) return most.error();
  const auto wanted = o_.load.body_bytes + o_.load.key_bytes;
  if (wanted <= *most) return {};
  return {errc::message_too_large, std::to_string(wanted) + " bytes of " + std::to_string(*most)};
}

/// Where to measure the disk: where the node has its data, if that is on this machine.
result<fs::path> run::folder() const {
  if (!o_.folder.empty()) return fs::path{o_.folder};
  auto status = node_->node_status();
  if (!status) return status.error();
  std::error_code ignored;
  const auto data = fs::absolute(status->data_dir, ignored);
  if (fs::is_directory(data, ignored)) return data.parent_path();
  return {errc::invalid_argument, "the node's folder " + status->data_dir +
                                    " is not here; name one on the same disk with --folder"};
}

result<void> run::measure_ceiling() {
  auto where = folder();
  if (!where) return where.error();
  auto rounds = bench::measure_rounds(*node_, o_.load, *where, o_.rounds, context_.stop);
  if (!rounds) return rounds.error();
  const bool paced = o_.load.rate > 0;
  const auto messages = static_cast<double>(o_.load.messages);
  const auto bytes = messages * static_cast<double>(o_.load.body_bytes);
  const auto middle = [&](auto figure) {
    std::vector<double> all;
    for (const auto& r : *rounds) all.push_back(figure(r));
    return bench::median(std::move(all));
  };
  const auto row = [&](const char* what, auto seconds, const core::histogram& latency) {
    record r;
    r.add("measured", value::text(what));
    add_rates(r, messages, bytes, middle(seconds));
    // Of a paced stream's rate nothing can be said but that it was kept.
    r.add("broker_share", paced ? value::none() : fraction(middle([&](const bench::round& one) {
            return one.broker.seconds > 0 ? seconds(one) / one.broker.seconds : 0;
          })));
    add_latency(r, latency);
    show(r);
  };
  std::sort(rounds->begin(), rounds->end(), [](const bench::round& a, const bench::round& b) {
    return a.broker.latency.quantile(990) < b.broker.latency.quantile(990);
  });
  // Latencies of the two are of one round.
  const auto& typical = (*rounds)[rounds->size() / 2];
  const auto broker = [](const bench::round& r) { return r.broker.seconds; };
  row("the broker", broker, typical.broker.latency);
  if (paced) {
    row("LMDB, group commit of the same stream", broker, typical.commits);
    return {};
  }
  row("LMDB, the same groups", [](const bench::round& r) { return r.lmdb_seconds; }, {});
  row("TCP, the same frames", [](const bench::round& r) { return r.tcp_seconds; }, {});
  return {};
}

/// Healthy keys with poison among them, each time between two runs without.
result<void> run::measure_poison() {
  constexpr std::uint64_t keys = 10'000, one_in = 100;
  auto load = o_.load;
  load.keys = keys;
  load.key_bytes = std::max<std::uint64_t>(load.key_bytes, 8);
  if (auto made = bench::produce(*node_, load, context_.stop); !made) return made.error();
  bench::settling healthy{client::group_mode::keyed, 0, 0, 0}, poisoned = healthy;
  poisoned.poison_of = one_in;
  std::vector<double> rates;
  const auto take = [&](const bench::settling& how) -> result<void> {
    auto f = bench::consume_in_group(*node_, load, how, context_.stop);
    if (!f) return f.error();
    show(figures_record(*f));
    // Without poison, too, only the same keys' messages count.
    const auto counted = static_cast<double>(bench::healthy_of(load, poisoned));
    rates.push_back(f->seconds > 0 ? counted / f->seconds : 0);
    return {};
  };
  if (auto ok = take(healthy); !ok) return ok;
  std::vector<std::pair<double, double>> rounds;
  for (std::uint32_t i = 0; i < o_.rounds; ++i) {
    for (const auto& how : {poisoned, healthy})
      if (auto ok = take(how); !ok) return ok;
    const auto last = rates.end() - 3;
    rounds.emplace_back(last[1], (last[0] + last[2]) / 2);
  }
  const auto share_of = [](const auto& each) {
    return each.second > 0 ? each.first / each.second : 0;
  };
  std::ranges::sort(rounds, {}, share_of);
  const auto& [with, without] = rounds[rounds.size() / 2];
  record r;
  r.add("measured",
        value::text("healthy keys with poison among them, of those without: the median"));
  r.add("share", ratio(with, without));
  show(r);
  return {};
}

/// What groups and transactions reach of plain messages in and out.
result<void> run::measure_features() {
  const auto rate_of = [](const figures& f) {
    return f.seconds > 0 ? static_cast<double>(f.messages) / f.seconds : 0;
  };
  const auto take = [&](const figures& f, double plain) {
    auto r = figures_record(f);
    r.add("of_plain", ratio(rate_of(f), plain));
    show(r);
  };
  auto load = o_.load;
  load.key_bytes = std::max<std::uint64_t>(load.key_bytes, 8);
  auto in = bench::produce(*node_, load, context_.stop);
  if (!in) return in.error();
  take(*in, rate_of(*in));
  auto out = bench::consume(*node_, load, context_.stop);
  if (!out) return out.error();
  take(*out, rate_of(*out));
  for (const auto mode : {client::group_mode::shared, client::group_mode::keyed}) {
    bench::settling how;
    how.mode = mode;
    auto settled = bench::consume_in_group(*node_, load, how, context_.stop);
    if (!settled) return settled.error();
    take(*settled, rate_of(*out));
  }
  // A tenth of them: each transaction waits for the log twice.
  auto fewer = load;
  fewer.messages = std::max<std::uint64_t>(fewer.messages / 10, 1);
  for (const auto size : {o_.transaction_messages, o_.transaction_messages * 10}) {
    auto committed = bench::commit_transactions(*node_, fewer, size, context_.stop);
    if (!committed) return committed.error();
    take(*committed, rate_of(*in));
  }
  return {};
}

exit_code measure(bench_options& o, command_context& context) {
  const bool one_by_one = o.what == workload::one_by_one;
  if (one_by_one && o.load.rate > 0)
    return context.misused("bench: --rate is for a stream; 'one-by-one' waits for each answer");
  if (o.what == workload::consume && o.topic.empty())
    return context.misused("bench: 'consume' reads what is there; name the topic with --topic");
  if (o.what != workload::consume && o.filter)
    return context.misused("bench: --tags and --where are for 'consume'");
  o.load.filter = o.filter.value_or(client::message_filter{});
  if (o.what == workload::ceiling && o.load.body_bytes == 0)
    return context.misused("bench: 'ceiling' moves bodies; give --body-bytes at least 1");
  signal_catcher catcher{context.stop};
  run all{o, context};
  auto done = all.prepare();
  if (done) done = o.what == workload::ceiling ? all.measure_ceiling() : all.measure();
  if (done) return exit_code::ok;
  if (!context.stop.requested()) return context.fail(done.error());
  // The terminal shows ^C in front of what comes next.
  if (context.terminal.err_is_terminal()) context.terminal.write_error("\n");
  return context.fail("interrupted", "what was under way is not measured");
}

template <class Target>
option size(std::string name, Target& target, std::string help, std::uint64_t min,
            std::uint64_t max) {
  return parsed(std::move(name), "N", target, std::move(help),
                [min, max](const std::string& text) -> result<Target> {
                  auto bytes = parse_size(text, min, max);
                  if (!bytes) return bytes.error();
                  return static_cast<Target>(*bytes);
                });
}

std::vector<option> options_of(bench_options& o) {
  auto& load = o.load;
  return {
    choice("WORKLOAD", o.what,
           "What to measure: all (default: produce, consume, then one-by-one), one of these; "
           "shared or keyed: produce, then a group of that mode; poison: a keyed group with and "
           "without keys that always fail; transactions; features: what groups and transactions "
           "reach of plain produce and consume; store-later or deliver-later: messages for later; "
           "or ceiling: the broker next to LMDB and TCP alone.",
           {{"all", workload::all},
            {"produce", workload::produce},
            {"consume", workload::consume},
            {"one-by-one", workload::one_by_one},
            {"shared", workload::shared},
            {"keyed", workload::keyed},
            {"poison", workload::poison},
            {"transactions", workload::transactions},
            {"features", workload::features},
            {"store-later", workload::store_later},
            {"deliver-later", workload::deliver_later},
            {"ceiling", workload::ceiling}}),
    text("--topic", "NAME", o.topic,
         "Use this topic (default: a new one). One that is not there is created, and deleted "
         "afterwards.")
      .completed_by(completes::topic),
    choice("--durability", load.mode, "Of a new topic (default fsync).",
           {{"fsync", durability::fsync},
            {"interval", durability::interval},
            {"memory", durability::memory}}),
    number<std::uint32_t>("--queues", "N", load.queues, "Queues of a new topic (default 4).", 1),
    number<std::uint64_t>("--count", "N", load.messages, "Messages (default 1000000).", 1,
                          std::uint64_t{1} << 40),
    number<std::uint64_t>("--one-by-one-count", "N", o.one_by_one,
                          "Messages of 'one-by-one', at most --count (default 10000).", 1),
    size("--body-bytes", load.body_bytes,
         "Size of a body: bytes, or such as 1KiB, up to 64MiB and to what the node takes (default "
         "100).",
         0, body_bytes_most),
    size("--key-bytes", load.key_bytes, "Size of a key, up to 64KiB; 0 (default): no keys.", 0,
         key_bytes_most),
    parsed(
      "--rate", "MSG_PER_S", load.rate,
      "Send so many messages a second, 0.001 to 1000000000, evenly, and measure from when each "
      "was due.",
      parse_rate),
    size("--batch-bytes", load.producer.batch_bytes,
         "A batch is sent when it is so large, 1KiB to 8MiB (default 64KiB).", batch_bytes_min,
         batch_bytes_most),
    number<std::chrono::milliseconds>("--linger-ms", "N", load.producer.linger,
                                      "A batch waits so long for more messages (default 0).", 0,
                                      60'000),
    parsed("--ahead", "DURATION", o.ahead,
           "The times of 'store-later' are spread over so long (default 365d).", parse_duration),
    number<std::uint64_t>("--transaction-messages", "N", o.transaction_messages,
                          "Messages of a transaction (default 10).", 1, 10'000),
    number<std::uint32_t>("--rounds", "N", o.rounds,
                          "Rounds of 'ceiling' and 'poison' (default 3).", 1, 1'000),
    text("--folder", "DIR", o.folder,
         "Where 'ceiling' measures the disk (default: next to the node's data).")
      .completed_by(completes::path),
    flag("--keep", o.keep, "Do not delete the topic afterwards.")};
}

} // namespace

command bench_command() {
  auto o = std::make_shared<bench_options>();
  command c{.name = "bench", .summary = "Measure the node with a load of your choice."};
  c.details =
    "The client and the node share the machine unless --node says otherwise. Latencies are from "
    "when a message was due to its acknowledgement. 'ceiling' repeats the load on the broker, on "
    "plain LMDB with groups of the same sizes and on bare TCP, the disk synced before each and "
    "each round in the opposite order of the one before, and shows medians. A broker share of 0.8 "
    "means that what the line measures took 0.8 of the broker's time in the same round.";
  c.examples = {"carafe bench --durability memory --count 5000000",
                "carafe bench produce --rate 10000 --body-bytes 1KiB --count 300000",
                "carafe bench ceiling --durability fsync --json"};
  c.options = options_of(*o);
  for (auto& each : filter_options(o->filter)) c.options.push_back(std::move(each));
  c.run = [o](command_context& context) { return measure(*o, context); };
  return c;
}

} // namespace carafe::shell
