#include "cli/shell/entry_view.hpp"

#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"
#include "schema/offset_set.hpp"

#include <array>
#include <cstdio>

namespace carafe::shell {

namespace {

std::string_view kind_name(entry_kind kind) {
  switch (kind) {
  case entry_kind::command:
    return "command";
  case entry_kind::barrier:
    return "barrier";
  case entry_kind::change:
    return "change";
  }
  return "unknown";
}

std::string_view codec_name(codec c) {
  switch (c) {
  case codec::none:
    return "none";
  case codec::lz4:
    return "lz4";
  case codec::zstd:
    return "zstd";
  }
  return "unknown";
}

std::string producer_text(producer_id producer) {
  std::array<char, 17> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%016llx",
                static_cast<unsigned long long>(producer.value));
  return buffer.data();
}

record named(std::string_view effect) {
  record r;
  r.add("effect", value::text(effect));
  return r;
}

/// An effect's fields in the order in which people read them.
struct effect_fields {
  record operator()(const effects::batch& e) const {
    auto r = named(e.timed ? "batch_for_later" : "batch");
    r.add("queue_id", value::id(e.queue.value));
    r.add(e.timed ? "first_number" : "first_offset", value::id(e.base.value));
    r.add("count", value::id(e.count)).add("bytes", value::id(e.bytes.size()));
    r.add("compression", value::text(codec_name(e.compression)));
    r.add("producer", value::text(producer_text(e.producer)));
    r.add("first_sequence", value::id(e.first.value));
    if (e.named.name.value != 0) {
      r.add("name_id", value::id(e.named.name.value));
      r.add("last_of_name", value::id(e.named.last.value));
    }
    if (!e.ids.empty()) r.add("id_window_ms", value::id(e.id_window_ms));
    return r;
  }
  record operator()(const effects::commit& e) const {
    auto r = named("commit");
    r.add("group_id", value::id(e.group.value)).add("queue_id", value::id(e.queue.value));
    static constexpr std::string_view reasons[] = {"acknowledged", "began", "reset"};
    r.add("next_offset", value::id(e.next.value));
    return std::move(r.add("why", value::text(reasons[static_cast<std::size_t>(e.why)])));
  }
  record operator()(const effects::queue_opened& e) const {
    auto r = named("queue_opened");
    r.add("queue_id", value::id(e.queue.value));
    return std::move(r.add("topic_id", value::id(e.topic.value)));
  }
  record operator()(const effects::queue_closed& e) const {
    auto r = named("queue_closed");
    return std::move(r.add("queue_id", value::id(e.queue.value)));
  }
  record operator()(const effects::queue_start& e) const {
    auto r = named("queue_start");
    r.add("queue_id", value::id(e.queue.value));
    return std::move(r.add("start_offset", value::id(e.start.value)));
  }
  record operator()(const effects::topic_put& e) const {
    auto r = named("topic_put");
    r.add("topic_id", value::id(e.topic.topic.value)).add("topic", value::text(e.topic.name));
    r.add("queues", value::id(e.topic.queues.size()));
    r.add("durability", value::text(durability_name(e.topic.settings.mode)));
    return std::move(r.add("retention_ms", value::id(e.topic.settings.retention_ms)));
  }
  record operator()(const effects::topic_deleted& e) const {
    auto r = named("topic_deleted");
    return std::move(r.add("topic_id", value::id(e.topic.value)));
  }
  record operator()(const effects::group_put& e) const {
    auto r = named("group_put");
    r.add("group_id", value::id(e.group.group.value)).add("group", value::text(e.group.name));
    r.add("mode", value::text(e.group.mode));
    r.add("topics", value::names(e.group.topics));
    if (e.group.mode != "member") return r;
    std::vector<std::string> queues;
    for (const auto queue : e.group.queues) queues.push_back(std::to_string(queue.value));
    return std::move(r.add("queue_ids", value::names(queues)));
  }
  record operator()(const effects::group_deleted& e) const {
    auto r = named("group_deleted");
    return std::move(r.add("group_id", value::id(e.group.value)));
  }
  record operator()(const effects::progress_dropped& e) const {
    auto r = named("progress_dropped");
    return std::move(r.add("group_id", value::id(e.group.value)));
  }
  record operator()(const effects::settled& e) const {
    static constexpr std::string_view reasons[] = {"acknowledged", "filtered", "expired",
                                                   "dead",         "gone",     "moved"};
    auto r = of_messages("settled", e.group, e.queue, e.ranges);
    return std::move(r.add("why", value::text(reasons[static_cast<std::size_t>(e.why)])));
  }
  record operator()(const effects::lent& e) const {
    auto r = of_messages("lent", e.group, e.queue, e.ranges);
    return std::move(r.add("consumer", value::text(e.member)));
  }
  record operator()(const effects::returned& e) const {
    return of_messages("returned", e.group, e.queue, e.ranges);
  }
  record operator()(const effects::waiting& e) const {
    auto r = of_messages("waiting", e.group, e.queue, {{e.row.at, 1}});
    r.add("attempts", value::id(e.row.attempts)).add("due", value::time(e.row.due));
    return std::move(r.add("error", value::text(e.row.error)));
  }
  record operator()(const effects::timers_ended& e) const {
    static constexpr std::string_view reasons[] = {"fired", "cancelled", "dropped"};
    auto r = named("timers_ended");
    r.add("queue_id", value::id(e.queue.value));
    r.add("why", value::text(reasons[static_cast<std::size_t>(e.why)]));
    std::string numbers;
    for (const auto& each : e.which)
      numbers += (numbers.empty() ? "" : ",") + std::to_string(each.number);
    return std::move(r.add("numbers", value::text(numbers)));
  }
  record operator()(const effects::timer_moved& e) const {
    auto r = named("timer_moved");
    r.add("queue_id", value::id(e.row.at.queue.value)).add("number", value::id(e.row.at.number));
    return std::move(r.add("due", value::time(e.row.at.due)));
  }
  record operator()(const effects::kept& e) const {
    offset_set all;
    for (const auto& row : e.rows) all.add({row.at, 1});
    auto r = of_messages("kept", e.group, e.queue, all.to_ranges());
    if (e.read == effects::kept::all_letters) return r;
    return std::move(r.add("read_offset", value::id(e.read.value)));
  }
  record operator()(const effects::tx_prepared& e) const {
    auto r = of_transaction("tx_prepared", e.id);
    std::uint64_t messages = 0;
    for (const auto& half : e.halves) messages += half.count;
    r.add("group", value::text(e.group)).add("messages", value::count(messages));
    return std::move(r.add("checks", value::id(e.checks)));
  }
  record operator()(const effects::tx_ended& e) const {
    auto r = of_transaction("tx_ended", e.id);
    r.add("outcome", value::text(e.committed ? "committed" : "rolled back"));
    std::vector<std::string> shards;
    for (const auto shard : e.owes) shards.push_back(std::to_string(shard.value));
    return std::move(r.add("owing_shards", value::names(shards)));
  }
  record operator()(const effects::tx_applied& e) const {
    auto r = named("tx_applied");
    r.add("from_shard", value::id(e.from.value)).add("to_shard", value::id(e.to.value));
    r.add("serial", value::id(e.serial));
    return std::move(r.add("confirmed", value::boolean(e.confirmed)));
  }
  record operator()(const effects::schedule_put& e) const {
    auto r = named("schedule_put");
    r.add("schedule_id", value::text(producer_text(producer_id{e.schedule.id.value})));
    r.add("schedule", value::text(e.schedule.what.name));
    r.add("topic", value::text(e.schedule.what.topic));
    return std::move(r.add("paused", value::boolean(e.schedule.paused)));
  }
  record operator()(const effects::schedule_deleted& e) const {
    auto r = named("schedule_deleted");
    return std::move(
      r.add("schedule_id", value::text(producer_text(producer_id{e.schedule.value}))));
  }
  record operator()(const effects::schedule_fired& e) const {
    auto r = named("schedule_fired");
    r.add("schedule_id", value::text(producer_text(producer_id{e.schedule.value})));
    r.add("step", value::id(e.progress.step)).add("due", value::time(e.progress.handled));
    r.add("fired", value::id(e.progress.fired)).add("missed", value::id(e.progress.missed));
    return std::move(r.add("failed", value::id(e.progress.failed)));
  }

  record operator()(const effects::producer_put& e) const {
    auto r = named(e.forgotten ? "producer_forgotten" : "producer_put");
    r.add("name_id", value::id(e.producer.id.value)).add("name", value::text(e.producer.name));
    return std::move(r.add("epoch", value::id(e.producer.epoch)));
  }

private:
  static record of_transaction(std::string_view effect, const transaction_id& id) {
    auto r = named(effect);
    r.add("producer", value::text(producer_text(id.producer)));
    return std::move(r.add("number", value::id(id.number)));
  }
  static record of_messages(std::string_view effect, group_id group, queue_id queue,
                            const std::vector<offset_range>& ranges) {
    std::string offsets;
    for (const auto& range : ranges) {
      if (!offsets.empty()) offsets += ',';
      offsets += std::to_string(range.first.value);
      if (range.count > 1) offsets += "-" + std::to_string(range.end().value - 1);
    }
    auto r = named(effect);
    r.add("group_id", value::id(group.value)).add("queue_id", value::id(queue.value));
    return std::move(r.add("offsets", value::text(offsets)));
  }
};

} // namespace

record entry_view(const decoded_entry& entry, shard_id shard, std::string_view file) {
  std::vector<record> effects;
  for (const auto& e : entry.effects) effects.push_back(std::visit(effect_fields{}, e));
  record r;
  r.add("shard", value::id(shard.value));
  r.add("index", value::id(entry.header.index.value));
  r.add("term", value::id(entry.header.term.value));
  r.add("time", value::time(entry.header.time));
  r.add("kind", value::text(kind_name(entry.header.kind)));
  r.add("file", value::text(file));
  r.add("effects", value::table(std::move(effects)));
  return r;
}

std::string entry_line(const decoded_entry& entry) {
  // A configuration that came with the log has no time.
  const auto time = entry.header.time.value > 0 ? time_text(entry.header.time) : "-";
  std::array<char, 96> head;
  std::snprintf(head.data(), head.size(), "%10llu  term %llu  %-24s  %s",
                static_cast<unsigned long long>(entry.header.index.value),
                static_cast<unsigned long long>(entry.header.term.value), time.c_str(),
                kind_name(entry.header.kind).data());
  std::string line = head.data();
  std::string_view before = "  ";
  for (const auto& e : entry.effects) {
    const auto fields = std::visit(effect_fields{}, e);
    line += before;
    before = "; ";
    bool first = true;
    for (const auto& f : fields.fields()) {
      if (!first) line += ' ' + f.heading + ' ';
      line += f.content.shown;
      first = false;
    }
  }
  return line;
}

} // namespace carafe::shell
