#include "cli/bench/ceiling.hpp"
#include "cli/bench/workload.hpp"
#include "cli/shell/commands.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace carafe::shell {

namespace {

namespace fs = std::filesystem;
using bench::figures;

enum class workload : std::uint8_t { all, produce, consume, one_by_one, ceiling };

struct bench_options {
  workload what = workload::all;
  bench::load load;
  std::string topic, folder;
  std::uint64_t one_by_one = 10'000;
  std::uint32_t rounds = 3;
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
    o_.load.topic = o_.topic.empty() ? "bench-" + std::to_string(context_.now.value) : o_.topic;
    if (!o_.topic.empty() && node_->describe_topic(o_.topic)) return {};
    client::topic_settings settings;
    settings.mode = o_.load.mode;
    auto made = node_->create_topic(o_.load.topic, o_.load.queues, settings, false);
    if (!made) return made.error();
    made_ = true;
    return {};
  }

  result<std::vector<record>> measure() {
    std::vector<record> rows;
    const auto take = [&](const result<figures>& f) -> result<void> {
      if (!f) return f.error();
      rows.push_back(figures_record(*f));
      return {};
    };
    const auto wants = [&](workload w) { return o_.what == w || o_.what == workload::all; };
    if (wants(workload::produce))
      if (auto ok = take(bench::produce(*node_, o_.load, context_.stop)); !ok) return ok.error();
    if (wants(workload::consume))
      if (auto ok = take(bench::consume(*node_, o_.load, context_.stop)); !ok) return ok.error();
    if (wants(workload::one_by_one)) {
      auto load = o_.load;
      load.messages = std::min(o_.one_by_one, o_.load.messages);
      if (auto ok = take(bench::produce_one_by_one(*node_, load, context_.stop)); !ok)
        return ok.error();
    }
    return rows;
  }

  result<std::vector<record>> measure_ceiling();

private:
  struct round {
    figures broker;
    double lmdb_seconds = 0;
    double tcp_seconds = 0;
    core::histogram commits;
  };
  result<round> measure_round(const fs::path& folder);
  result<fs::path> folder() const;

  bench_options& o_;
  command_context& context_;
  std::shared_ptr<node_api> node_;
  bool made_ = false;
};

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

result<run::round> run::measure_round(const fs::path& where) {
  auto broker = bench::produce(*node_, o_.load, context_.stop);
  if (!broker) return broker.error();
  if (broker->groups == 0 || broker->entries == 0)
    return {errc::invalid_argument, "nothing was stored; ask for more messages"};
  bench::log_shape shape;
  shape.mode = o_.load.mode;
  shape.groups = bench::groups_of(broker->group_sizes, broker->entries);
  const auto entries = std::max<std::uint64_t>(1, shape.entries());
  const auto payload = static_cast<double>(broker->bytes);
  // What an entry holds besides bodies is the broker's own doing: the ceiling has the bodies only.
  shape.entry_bytes = std::max<std::uint64_t>(1, broker->bytes / entries);
  auto lmdb = bench::append_to_lmdb(where, shape);
  if (!lmdb) return lmdb.error();
  auto tcp = bench::move_over_tcp(entries, shape.entry_bytes, 64);
  if (!tcp) return tcp.error();
  round out{std::move(*broker), *lmdb, *tcp, {}};
  // Rounding loses a part of the bytes: their time is made up for.
  const auto scale = payload / static_cast<double>(entries * shape.entry_bytes);
  out.lmdb_seconds *= scale;
  out.tcp_seconds *= scale;
  if (o_.load.rate > 0) {
    auto commits = bench::commit_in_groups(where, o_.load.rate, o_.load.messages,
                                           std::max<std::uint64_t>(1, o_.load.body_bytes));
    if (!commits) return commits.error();
    out.commits = std::move(*commits);
  }
  return out;
}

template <class Rounds, class Figure>
double median(const Rounds& rounds, Figure figure) {
  std::vector<double> all;
  for (const auto& r : rounds) all.push_back(figure(r));
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

result<std::vector<record>> run::measure_ceiling() {
  auto where = folder();
  if (!where) return where.error();
  std::vector<round> rounds;
  for (std::uint32_t i = 0; i < o_.rounds; ++i) {
    auto one = measure_round(*where);
    if (!one) return one.error();
    rounds.push_back(std::move(*one));
  }
  const auto messages = static_cast<double>(o_.load.messages);
  const auto bytes = messages * static_cast<double>(o_.load.body_bytes);
  const auto broker = median(rounds, [](const round& r) { return r.broker.seconds; });
  const auto by_p99 = [](const round& a, const round& b) {
    return a.broker.latency.quantile(990) < b.broker.latency.quantile(990);
  };
  std::sort(rounds.begin(), rounds.end(), by_p99);
  const auto& typical = rounds[rounds.size() / 2];
  std::vector<record> rows;
  const auto add = [&](const std::string& what, double seconds, const core::histogram& latency) {
    record r;
    r.add("measured", value::text(what));
    add_rates(r, messages, bytes, seconds);
    // Of a paced stream's rate nothing can be said but that it was kept.
    r.add("broker_share", o_.load.rate > 0 ? value::none() : ratio(seconds, broker));
    add_latency(r, latency);
    rows.push_back(std::move(r));
  };
  add("the broker", broker, typical.broker.latency);
  if (o_.load.rate > 0)
    add("LMDB, group commit of the same stream", broker, typical.commits);
  else
    add("LMDB, the same groups", median(rounds, [](const round& r) { return r.lmdb_seconds; }), {});
  if (o_.load.rate <= 0)
    add("TCP, the same frames", median(rounds, [](const round& r) { return r.tcp_seconds; }), {});
  return rows;
}

exit_code measure(bench_options& o, command_context& context) {
  const bool one_by_one = o.what == workload::one_by_one;
  if (one_by_one && o.load.rate > 0)
    return context.misused("bench: --rate is for a stream; 'one-by-one' waits for each answer");
  if (o.what == workload::consume && o.topic.empty())
    return context.misused("bench: 'consume' reads what is there; name the topic with --topic");
  signal_catcher catcher{context.stop};
  run all{o, context};
  if (auto ok = all.prepare(); !ok) return context.fail(ok.error());
  auto rows = o.what == workload::ceiling ? all.measure_ceiling() : all.measure();
  if (!rows) return context.fail(rows.error());
  if (context.globals.json) return context.show(*rows, "");
  for (const auto& row : *rows)
    context.terminal.write(to_details(row, context.terminal.colours()) + '\n');
  return exit_code::ok;
}

std::vector<option> options_of(bench_options& o) {
  auto& load = o.load;
  return {
    choice("WORKLOAD", o.what,
           "What to measure: all (default: produce, consume, then one-by-one), one of these, or "
           "ceiling: the broker next to what bounds it on this machine.",
           {{"all", workload::all},
            {"produce", workload::produce},
            {"consume", workload::consume},
            {"one-by-one", workload::one_by_one},
            {"ceiling", workload::ceiling}}),
    text("--topic", "NAME", o.topic,
         "Use this topic (default: a new one, which is deleted afterwards).")
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
    parsed("--body-bytes", "N", load.body_bytes,
           "Size of a body: bytes, or such as 1KiB (default 100).", parse_size),
    number<std::uint64_t>("--key-bytes", "N", load.key_bytes,
                          "Size of a key; 0 (default): no keys.", 0, 65'536),
    parsed("--rate", "MSG_PER_S", load.rate,
           "Send so many messages a second, evenly, and measure from when each was due.",
           parse_rate),
    number<std::uint32_t>("--batch-bytes", "N", load.producer.batch_bytes,
                          "A batch is sent when it has so many bytes (default 65536).", 1'024,
                          8u << 20),
    number<std::chrono::milliseconds>("--linger-ms", "N", load.producer.linger,
                                      "A batch waits so long for more messages (default 0).", 0,
                                      60'000),
    number<std::uint32_t>("--rounds", "N", o.rounds, "Rounds of 'ceiling' (default 3).", 1, 1'000),
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
    "plain LMDB with groups of the same sizes and on bare TCP, in turn, and shows the medians: a "
    "share of "
    "0.8 means that the broker does 0.8 of what the machine can.";
  c.examples = {"carafe bench --durability memory --count 5000000",
                "carafe bench produce --rate 10000 --body-bytes 1KiB --count 300000",
                "carafe bench ceiling --durability fsync --json"};
  c.options = options_of(*o);
  c.run = [o](command_context& context) { return measure(*o, context); };
  return c;
}

} // namespace carafe::shell
