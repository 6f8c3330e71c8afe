#include "cli/shell/node_api.hpp"

#include <utility>

namespace carafe::shell {

namespace {

class remote_node final : public node_api {
public:
  explicit remote_node(client::connect_options options) : options_(std::move(options)) {}

  result<std::unique_ptr<client::producer>>
  make_producer(const client::producer_options& options) override {
    return ask([&](client::client& c) { return c.make_producer(options); });
  }
  result<std::unique_ptr<client::consumer>>
  make_consumer(const client::consumer_options& options) override {
    return ask([&](client::client& c) { return c.make_consumer(options); });
  }
  result<std::unique_ptr<client::requester>>
  make_requester(const client::requester_options& options) override {
    return ask([&](client::client& c) { return c.make_requester(options); });
  }
  result<client::topic_info> create_topic(const std::string& name, std::uint32_t queues,
                                          client::topic_settings settings,
                                          bool if_missing) override {
    return ask(
      [&](client::client& c) { return c.create_topic(name, queues, settings, if_missing); });
  }
  result<client::topic_info> alter_topic(const std::string& name,
                                         const client::topic_change& change) override {
    return ask([&](client::client& c) { return c.alter_topic(name, change); });
  }
  result<void> delete_topic(const std::string& name) override {
    return ask([&](client::client& c) { return c.delete_topic(name); });
  }
  result<std::vector<client::topic_line>> list_topics() override {
    return ask([](client::client& c) { return c.list_topics(); });
  }
  result<client::topic_info> describe_topic(const std::string& name,
                                            bool create_if_missing) override {
    return ask([&](client::client& c) { return c.describe_topic(name, create_if_missing); });
  }
  result<std::vector<client::group_line>> list_groups() override {
    return ask([](client::client& c) { return c.list_groups(); });
  }
  result<client::group_info> describe_group(const std::string& name) override {
    return ask([&](client::client& c) { return c.describe_group(name); });
  }
  result<client::group_info> put_group(const client::group_definition& wanted) override {
    return ask([&](client::client& c) { return c.put_group(wanted); });
  }
  result<client::group_info> reset_group(const std::string& name, const std::string& topic,
                                         std::optional<queue_number> number, start_position to,
                                         const std::string& consumer) override {
    return ask([&](client::client& c) { return c.reset_group(name, topic, number, to, consumer); });
  }
  result<void> forget_consumer(const std::string& group, const std::string& name) override {
    return ask([&](client::client& c) { return c.forget_consumer(group, name); });
  }
  result<void> delete_group(const std::string& name) override {
    return ask([&](client::client& c) { return c.delete_group(name); });
  }
  result<std::vector<client::dead_letter_range>> dead_letters(const std::string& group) override {
    return ask([&](client::client& c) { return c.dead_letters(group); });
  }
  result<std::vector<client::redriven_letter>>
  redrive(const std::string& group, const std::vector<client::dead_letter_range>& letters,
          bool purge) override {
    return ask([&](client::client& c) { return c.redrive(group, letters, purge); });
  }
  result<std::vector<client::producer_line>> list_producers() override {
    return ask([](client::client& c) { return c.list_producers(); });
  }
  result<void> forget_producer(const std::string& name) override {
    return ask([&](client::client& c) { return c.forget_producer(name); });
  }
  result<std::uint32_t> cancel_timers(const client::timer_selection& which) override {
    return ask([&](client::client& c) { return c.cancel_timers(which); });
  }
  result<std::uint32_t> move_timers(const client::timer_selection& which,
                                    client::delivery_time to) override {
    return ask([&](client::client& c) { return c.move_timers(which, to); });
  }
  result<client::pending_timers> list_timers(const std::string& topic,
                                             const client::timer_place& behind,
                                             std::uint32_t limit) override {
    return ask([&](client::client& c) { return c.list_timers(topic, behind, limit); });
  }
  result<std::unique_ptr<client::transaction_producer>>
  make_transaction_producer(const client::transaction_options& options) override {
    return ask([&](client::client& c) { return c.make_transaction_producer(options); });
  }
  result<client::pending_transactions>
  list_transactions(const std::optional<client::transaction_ref>& after,
                    std::uint32_t limit) override {
    return ask([&](client::client& c) { return c.list_transactions(after, limit); });
  }
  result<void> end_transaction(const client::transaction_ref& which, bool commit) override {
    return ask([&](client::client& c) { return c.end_transaction(which, commit); });
  }
  result<client::schedule_info> create_schedule(const client::schedule_definition& wanted,
                                                bool if_missing) override {
    return ask([&](client::client& c) { return c.create_schedule(wanted, if_missing); });
  }
  result<client::schedule_info> pause_schedule(const std::string& name) override {
    return ask([&](client::client& c) { return c.pause_schedule(name); });
  }
  result<client::schedule_info> resume_schedule(const std::string& name) override {
    return ask([&](client::client& c) { return c.resume_schedule(name); });
  }
  result<client::schedule_info> describe_schedule(const std::string& name) override {
    return ask([&](client::client& c) { return c.describe_schedule(name); });
  }
  result<std::vector<client::schedule_info>> list_schedules() override {
    return ask([](client::client& c) { return c.list_schedules(); });
  }
  result<void> delete_schedule(const std::string& name) override {
    return ask([&](client::client& c) { return c.delete_schedule(name); });
  }
  result<client::message_story> why(const client::story_question& which) override {
    return ask([&](client::client& c) { return c.why(which); });
  }
  result<client::key_places> find_key(const client::key_question& which) override {
    return ask([&](client::client& c) { return c.find_key(which); });
  }
  result<std::uint64_t> message_bytes_max() override {
    return ask([](client::client& c) { return result<std::uint64_t>{c.message_bytes_max()}; });
  }
  result<client::node_info> node_status() override {
    return ask([](client::client& c) { return c.node_status(); });
  }
  result<std::vector<client::actor_line>> node_actors() override {
    return ask([](client::client& c) { return c.node_actors(); });
  }
  result<client::backup_info> backup(const std::string& path) override {
    return ask([&](client::client& c) { return c.backup(path); });
  }

private:
  template <class Request>
  auto ask(Request request) -> decltype(request(std::declval<client::client&>())) {
    if (!client_) {
      auto connected = client::connect(options_);
      if (!connected) {
        auto why = connected.error();
        // Whoever mistyped an address sees it best when it is shown.
        if (why.detail.find(options_.node) == std::string::npos)
          why.detail = options_.node + (why.detail.empty() ? "" : ": " + why.detail);
        return why;
      }
      client_.emplace(std::move(connected).value());
    }
    return request(*client_);
  }

  client::connect_options options_;
  std::optional<client::client> client_;
};

} // namespace

node_source remote_nodes() {
  struct kept {
    std::string address;
    std::chrono::milliseconds timeout{};
    std::shared_ptr<node_api> node;
  };
  return [last = kept{}](const client::connect_options& options) mutable {
    if (!last.node || last.address != options.node || last.timeout != options.timeout)
      last = {options.node, options.timeout, std::make_shared<remote_node>(options)};
    return last.node;
  };
}

} // namespace carafe::shell
