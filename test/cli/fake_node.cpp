#include "test/cli/fake_node.hpp"

#include "cli/shell/words.hpp"
#include "test/cli/fake_producer.hpp"
#include "test/cli/fake_transactions.hpp"

#include <algorithm>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace carafe::shell::test {

namespace {

using state_ptr = std::shared_ptr<fake_state>;

class fake_consumer final : public client::consumer {
public:
  explicit fake_consumer(state_ptr state) : state_(std::move(state)) {
    if (state_->reads_as_asked) place();
  }

  result<std::vector<client::delivery>> poll(std::size_t max,
                                             std::chrono::milliseconds wait) override {
    auto& all = state_->reads_as_asked ? chosen_ : state_->deliveries;
    const auto count = std::min(max, all.size() - next_);
    if (count == 0) {
      if (state_->poll_failure) return *state_->poll_failure;
      std::this_thread::sleep_for(std::min(wait, std::chrono::milliseconds{1}));
      return std::vector<client::delivery>{};
    }
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(next_);
    next_ += count;
    return std::vector<client::delivery>{first, first + static_cast<std::ptrdiff_t>(count)};
  }
  result<void> run(const std::function<bool(const client::delivery&)>&) override { return {}; }
  void stop() override {}
  [[nodiscard]] std::string group() const override { return {}; }
  result<void> ack(const client::delivery& d) override {
    if (d.number.value == 9) return {errc::not_owner, "queue 9"};
    state_->acknowledged.push_back(d.offset);
    return {};
  }
  result<void> nack(const client::delivery& d, const client::nack_options& how) override {
    state_->nacked.emplace_back(d.offset, how.error);
    return {};
  }
  result<void> reject(const client::delivery& d, const std::string& error) override {
    state_->rejected.emplace_back(d.offset, error);
    return {};
  }
  result<void> commit() override { return {}; }
  result<void> seek(const std::string&, queue_number number, const start_position& to) override {
    ++state_->seeks;
    const auto at = std::ranges::find_if(
      chosen_, [&](const auto& d) { return d.number == number && begun(d, to); });
    next_ = static_cast<std::size_t>(at - chosen_.begin());
    return {};
  }
  result<void> pause(const std::string&, queue_number) override { return {}; }
  result<void> resume(const std::string&, queue_number) override { return {}; }
  [[nodiscard]] std::vector<owned_queue> queues() const override { return positions_; }
  result<void> close() override {
    state_->closed = true;
    return {};
  }

private:
  /// Begins where the options say, in each queue of the topic that they name.
  void place() {
    const auto& o = state_->consumer_options;
    for (const auto& queue : state_->topics.at(o.topics.at(0)).queues) {
      if (!o.queues.empty() &&
          std::find(o.queues.begin(), o.queues.end(), queue.number) == o.queues.end())
        continue;
      auto next = queue.end;
      for (const auto& d : state_->deliveries) {
        if (d.topic != o.topics[0] || d.number != queue.number || !begun(d, o.start)) continue;
        if (next == queue.end) next = d.offset;
        chosen_.push_back(d);
      }
      positions_.push_back({o.topics[0], queue.number, queue.queue, next});
    }
  }

  static bool begun(const client::delivery& d, const start_position& start) {
    using kind = start_position::kind;
    return start.at == kind::earliest || (start.at == kind::at_offset && d.offset >= start.from) ||
           (start.at == kind::at_time && d.broker_time >= start.time);
  }

  state_ptr state_;
  std::size_t next_ = 0;
  std::vector<client::delivery> chosen_;
  std::vector<owned_queue> positions_;
};

class fake_requester final : public client::requester {
public:
  explicit fake_requester(state_ptr state) : state_(std::move(state)) {}

  result<client::delivery> request(const std::string& topic, client::message m,
                                   std::optional<std::chrono::milliseconds>) override {
    state_->sent.push_back({topic, std::move(m), {}});
    return state_->answer;
  }
  result<void> request_async(const std::string&, client::message, callback,
                             std::optional<std::chrono::milliseconds>) override {
    return errc::unsupported;
  }
  [[nodiscard]] std::size_t in_flight() const override { return 0; }
  [[nodiscard]] std::uint64_t late() const override { return 0; }

private:
  state_ptr state_;
};

class node_in_memory final : public node_api {
public:
  explicit node_in_memory(state_ptr state) : state_(std::move(state)) {}

  result<std::unique_ptr<client::producer>>
  make_producer(const client::producer_options& options) override {
    state_->producer_options = options;
    return std::unique_ptr<client::producer>{std::make_unique<fake_producer>(state_, options)};
  }
  result<std::unique_ptr<client::consumer>>
  make_consumer(const client::consumer_options& options) override {
    if (state_->down) return *state_->down;
    state_->consumer_options = options;
    return std::unique_ptr<client::consumer>{std::make_unique<fake_consumer>(state_)};
  }
  result<std::unique_ptr<client::requester>>
  make_requester(const client::requester_options& options) override {
    state_->requester_options = options;
    return std::unique_ptr<client::requester>{std::make_unique<fake_requester>(state_)};
  }
  result<client::topic_info> create_topic(const std::string& name, std::uint32_t queues,
                                          client::topic_settings settings,
                                          bool if_missing) override {
    if (state_->down) return *state_->down;
    if (state_->topics.contains(name) && !if_missing) return {errc::topic_exists, name};
    auto topic = fake_topic(name, queues);
    topic.settings = settings;
    return state_->topics.emplace(name, topic).first->second;
  }
  result<client::topic_info> alter_topic(const std::string& name,
                                         const client::topic_change& change) override {
    auto known = describe_topic(name, false);
    if (!known) return known;
    if (change.queues) known->queues.resize(*change.queues);
    auto& to = known->settings;
    if (change.retention_ms) to.retention_ms = *change.retention_ms;
    if (change.default_ttl_ms) to.default_ttl_ms = *change.default_ttl_ms;
    if (change.dedup_window_ms) to.dedup_window_ms = *change.dedup_window_ms;
    if (const auto q = change.produce_bytes_per_second) to.produce_bytes_per_second = *q;
    if (const auto q = change.consume_bytes_per_second) to.consume_bytes_per_second = *q;
    if (change.compacted) to.compacted = *change.compacted;
    return state_->topics[name] = *known;
  }
  result<void> delete_topic(const std::string& name) override {
    if (state_->down) return *state_->down;
    if (state_->topics.erase(name) == 0) return {errc::topic_unknown, name};
    return {};
  }
  result<std::vector<client::topic_line>> list_topics() override {
    if (state_->down) return *state_->down;
    std::vector<client::topic_line> lines;
    for (const auto& [name, t] : state_->topics)
      lines.push_back({name, t.topic, static_cast<std::uint32_t>(t.queues.size()), 1'234'567});
    return lines;
  }
  result<client::topic_info> describe_topic(const std::string& name, bool) override {
    if (state_->down) return *state_->down;
    auto at = state_->topics.find(name);
    if (at == state_->topics.end()) return {errc::topic_unknown, name};
    return at->second;
  }
  result<std::vector<client::group_line>> list_groups() override {
    if (state_->down) return *state_->down;
    std::vector<client::group_line> lines;
    for (const auto& [name, g] : state_->groups)
      lines.push_back({name, g.group, g.mode, g.topics, 2, 30});
    return lines;
  }
  result<client::group_info> describe_group(const std::string& name) override {
    auto at = state_->groups.find(name);
    if (at == state_->groups.end()) return {errc::group_unknown, name};
    return at->second;
  }
  result<client::group_info> put_group(const client::group_definition& wanted) override {
    state_->put_groups.push_back(wanted);
    auto& group = state_->groups[wanted.name];
    if (wanted.version == 0 && group.version != 0 && !wanted.if_missing)
      return {errc::already_exists, wanted.name};
    group.name = wanted.name;
    group.mode = wanted.mode;
    group.topics = wanted.topics;
    group.delivery = wanted.delivery;
    group.filter = wanted.filter;
    ++group.version;
    return group;
  }
  result<client::group_info> reset_group(const std::string& name, const std::string& topic,
                                         std::optional<queue_number> number, start_position to,
                                         const std::string& consumer) override {
    state_->reset_consumer = consumer;
    state_->reset_topic = topic;
    state_->reset_queue = number;
    state_->reset_to = to;
    if (number) {
      auto fails = state_->reset_failures.find(*number);
      if (fails != state_->reset_failures.end()) return fails->second;
      state_->resets.push_back(name + ' ' + topic + '/' + std::to_string(number->value) + ' ' +
                               std::to_string(to.from.value));
    }
    return describe_group(name);
  }
  result<void> forget_consumer(const std::string& group, const std::string& name) override {
    auto known = describe_group(group);
    if (!known) return known.error();
    auto& named = state_->groups.at(group).consumers;
    if (std::erase_if(named, [&](const auto& c) { return c.name == name; }) == 0)
      return {errc::not_found, name};
    return {};
  }
  result<std::vector<client::dead_letter_range>> dead_letters(const std::string& group) override {
    if (!state_->groups.contains(group)) return {errc::group_unknown, group};
    return state_->letters;
  }
  result<std::vector<client::redriven_letter>>
  redrive(const std::string&, const std::vector<client::dead_letter_range>& letters,
          bool purge) override {
    std::vector<client::redriven_letter> out;
    for (const auto& range : letters) {
      state_->redriven.push_back({range, purge});
      for (std::uint64_t i = 0; i < range.count; ++i)
        out.push_back({range.queue, range.first + i, failure{errc::none}});
    }
    return out;
  }
  result<void> delete_group(const std::string& name) override {
    if (state_->groups.erase(name) == 0) return {errc::group_unknown, name};
    return {};
  }
  result<std::unique_ptr<client::transaction_producer>>
  make_transaction_producer(const client::transaction_options& options) override {
    state_->transaction_options = options;
    return std::unique_ptr<client::transaction_producer>{
      std::make_unique<fake_transactions>(state_)};
  }
  result<client::pending_transactions>
  list_transactions(const std::optional<client::transaction_ref>&, std::uint32_t limit) override {
    auto found = state_->transactions;
    if (found.transactions.size() > limit) found.transactions.resize(limit);
    return found;
  }
  result<void> end_transaction(const client::transaction_ref& which, bool commit) override {
    for (const auto& each : state_->transactions.transactions) {
      if (each.transaction != which) continue;
      state_->transactions_ended.emplace_back(which, commit);
      return {};
    }
    return {errc::tx_unknown, client::to_string(which)};
  }
  result<std::vector<client::producer_line>> list_producers() override {
    if (state_->down) return *state_->down;
    return state_->producers;
  }
  result<void> forget_producer(const std::string& name) override {
    if (std::erase_if(state_->producers, [&](const auto& p) { return p.name == name; }) == 0)
      return {errc::not_found, name};
    return {};
  }
  result<std::uint32_t> cancel_timers(const client::timer_selection& which) override {
    state_->timers_chosen.push_back(which);
    if (state_->timers.timers.empty()) return {errc::timer_unknown, which.topic};
    return static_cast<std::uint32_t>(state_->timers.timers.size());
  }
  result<std::uint32_t> move_timers(const client::timer_selection& which,
                                    client::delivery_time to) override {
    state_->moved_to = to;
    return cancel_timers(which);
  }
  result<client::pending_timers>
  list_timers(const std::string& topic, const client::timer_place& behind, std::uint32_t) override {
    if (!state_->topics.contains(topic)) return {errc::topic_unknown, topic};
    state_->listed_behind = behind;
    return state_->timers;
  }
  result<client::schedule_info> create_schedule(const client::schedule_definition& wanted,
                                                bool if_missing) override {
    if (state_->schedules.contains(wanted.name) && !if_missing)
      return {errc::schedule_exists, wanted.name};
    auto& made = state_->schedules[wanted.name];
    made.what = wanted;
    made.next = unix_ms{1'800'000'000'000};
    return made;
  }
  result<client::schedule_info> pause_schedule(const std::string& name) override {
    return set_paused(name, true);
  }
  result<client::schedule_info> resume_schedule(const std::string& name) override {
    return set_paused(name, false);
  }
  result<client::schedule_info> describe_schedule(const std::string& name) override {
    if (!state_->schedules.contains(name)) return {errc::schedule_unknown, name};
    return state_->schedules.at(name);
  }
  result<std::vector<client::schedule_info>> list_schedules() override {
    std::vector<client::schedule_info> out;
    for (const auto& [name, schedule] : state_->schedules) out.push_back(schedule);
    return out;
  }
  result<void> delete_schedule(const std::string& name) override {
    if (state_->schedules.erase(name) == 0) return {errc::schedule_unknown, name};
    return {};
  }
  /// As a node that has the deliveries, a few at a time.
  result<client::key_places> find_key(const client::key_question& which) override {
    if (state_->down) return *state_->down;
    if (!state_->has_key_index) return errc::unsupported;
    state_->key_questions.push_back(which);
    client::key_places out{{}, which.until, false, 0};
    for (const auto& d : state_->deliveries) {
      if (d.topic != which.topic || d.number != which.number || d.key != which.key ||
          d.offset < which.from || d.offset >= which.until || d.broker_time < which.since ||
          (which.before.value > 0 && d.broker_time >= which.before))
        continue;
      out.offsets.push_back(d.offset);
      if (++out.looked == state_->key_places_max)
        return client::key_places{out.offsets, d.offset + 1, true, out.looked};
    }
    return out;
  }
  result<std::uint64_t> message_bytes_max() override {
    if (state_->down) return *state_->down;
    return std::uint64_t{state_->message_bytes_max};
  }
  result<client::node_info> node_status() override {
    if (state_->down) return *state_->down;
    if (state_->status_now) return state_->status_now();
    return state_->status;
  }
  result<client::message_story> why(const client::story_question& which) override {
    if (state_->down) return *state_->down;
    state_->questions.push_back(which);
    return state_->story;
  }
  result<std::vector<client::actor_line>> node_actors() override {
    return std::vector<client::actor_line>{{"carafe.shard.0", "shard", 3},
                                           {"session-1", "session", 0}};
  }
  result<client::backup_info> backup(const std::string& path) override {
    state_->backup_path = path;
    return client::backup_info{path, 2048, 1};
  }

private:
  result<client::schedule_info> set_paused(const std::string& name, bool paused) {
    if (!state_->schedules.contains(name)) return {errc::schedule_unknown, name};
    auto& schedule = state_->schedules.at(name);
    schedule.paused = paused;
    return schedule;
  }

  state_ptr state_;
};

/// An anonymous file.
class memory_file {
public:
  explicit memory_file(const std::string& content = {})
    : fd_(::memfd_create("stream", MFD_CLOEXEC)) {
    CARAFE_ASSERT(::write(fd_, content.data(), content.size()) ==
                  static_cast<ssize_t>(content.size()));
    ::lseek(fd_, 0, SEEK_SET);
  }
  ~memory_file() { ::close(fd_); }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

  [[nodiscard]] std::string content() const {
    std::string text(static_cast<std::size_t>(::lseek(fd_, 0, SEEK_END)), '\0');
    CARAFE_ASSERT(::pread(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

private:
  int fd_;
};

template <class Run>
outcome captured(const state_ptr& state, const std::string& in, Run run) {
  memory_file in_file{in}, out_file, err_file;
  console terminal{{.in = in_file.fd(), .out = out_file.fd(), .err = err_file.fd()}};
  surroundings around{.terminal = terminal, .nodes = [&](const client::connect_options& options) {
                        state->connected_with = options;
                        return fake_node(state);
                      }};
  const auto code = run(around);
  return {code, out_file.content(), err_file.content()};
}

} // namespace

client::topic_info fake_topic(std::string name, std::uint32_t queues, std::uint64_t messages_each) {
  client::topic_info t;
  t.topic = topic_id{5};
  t.name = std::move(name);
  t.created = unix_ms{1'795'341'600'123};
  for (std::uint32_t at = 0; at < queues; ++at) {
    client::queue_info q;
    q.number = queue_number{at};
    q.queue = queue_id{10 + at};
    q.end = offset{messages_each};
    t.queues.push_back(q);
  }
  return t;
}

client::delivery fake_delivery(std::uint64_t at, std::string body) {
  client::delivery d;
  d.id = {producer_id{0x2a}, sequence{at + 1}};
  d.topic = "orders";
  d.number = queue_number{2};
  d.queue = queue_id{12};
  d.offset = offset{at};
  d.broker_time = unix_ms{1'795'341'600'123};
  d.born = unix_ms{1'795'341'600'000};
  d.body = std::move(body);
  return d;
}

std::shared_ptr<node_api> fake_node(std::shared_ptr<fake_state> state) {
  return std::make_shared<node_in_memory>(std::move(state));
}

outcome run_words(const state_ptr& state, const std::vector<std::string>& words,
                  const std::string& in) {
  return captured(state, in, [&](surroundings& around) { return run_command(words, around); });
}

outcome run_line(const state_ptr& state, const std::string& line, const std::string& in) {
  return run_words(state, *split_line(line), in);
}

outcome run_lines(const state_ptr& state, const std::string& script) {
  return captured(state, script, [](surroundings& around) { return run_script(around); });
}

} // namespace carafe::shell::test
