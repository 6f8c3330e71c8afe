#include "cli/shell/group_changes.hpp"
#include "cli/shell/utf8.hpp"

namespace carafe::shell {

namespace {

template <class T>
void put(const std::optional<T>& given, T& to) {
  if (given) to = *given;
}

} // namespace

std::string group_changes::conflict_with(const std::string& of_mode) const {
  if (of_mode == "shared" || of_mode == "keyed" || !any_of_delivery()) return {};
  return "a group of mode " + of_mode + " has no settings but its topics and filter";
}

void group_changes::apply_to(client::group_definition& group) const {
  put(mode, group.mode);
  put(topics, group.topics);
  put(filter, group.filter);
  auto& how = group.delivery;
  if (lease) how.lease_ms = static_cast<std::uint64_t>(lease->count());
  put(attempts, how.attempts_max);
  put(backoff, how.backoff_ms);
  put(jitter, how.jitter_percent);
  put(member_in_flight, how.member_in_flight_max);
  put(in_flight, how.in_flight_max);
  put(waiting_max, how.waiting_max);
  if (expired) how.expired_to_dead_letters = *expired == "dead";
}

client::group_mode mode_named(std::string_view name) noexcept {
  return name == "shared"      ? client::group_mode::shared
         : name == "keyed"     ? client::group_mode::keyed
         : name == "broadcast" ? client::group_mode::broadcast
                               : client::group_mode::ordered;
}

option mode_option(group_changes& changes, std::string help) {
  return choice(
    "--mode", changes.mode, std::move(help),
    {{"ordered", "ordered"}, {"shared", "shared"}, {"keyed", "keyed"}, {"broadcast", "broadcast"}});
}

std::vector<option> filter_options(std::optional<client::message_filter>& filter) {
  using kind = client::message_filter::kind;
  const auto one = [&filter](kind how) {
    return [&filter, how](const std::string& text) -> result<client::message_filter> {
      if (filter) return {errc::invalid_argument, "there is a filter already"};
      if (!is_utf8(text)) return {errc::invalid_argument, "it is not UTF-8"};
      return client::message_filter{text.empty() ? kind::none : how, text};
    };
  };
  return {parsed("--tags", "A||B", filter,
                 "Only messages with one of these tags: 'paid || shipped'; '*': all. The node "
                 "leaves the others out.",
                 one(kind::tags)),
          parsed("--where", "SQL", filter,
                 "Only messages for which this is true, over properties, TAG and KEY: "
                 "\"region = 'eu' AND amount > 100\".",
                 one(kind::sql))};
}

option topics_option(group_changes& changes, std::string help) {
  return parsed("--topics", "A,B", changes.topics, std::move(help), parse_names)
    .completed_by(completes::topic);
}

std::vector<option> delivery_options(group_changes& c) {
  return {
    parsed("--lease", "DURATION", c.lease,
           "A consumer that neither settles a message nor is heard of for so long has lost it "
           "(default 30s).",
           parse_duration),
    number<std::uint32_t>("--attempts", "N", c.attempts,
                          "After so many failed deliveries a message is dead (default 16).", 1),
    parsed("--backoff", "LIST", c.backoff,
           "Pauses after the first, second ... failed delivery, the last one repeats: "
           "10s,30s,1m, or exponential:FIRST,FACTOR,MAX such as exponential:1s,2,10m (default 10s "
           "to 2h).",
           parse_backoff),
    parsed("--jitter", "PERCENT", c.jitter,
           "Each pause is shortened at random by up to so much of it: 20% (default 0%).",
           parse_percent),
    number<std::uint32_t>("--member-in-flight", "N", c.member_in_flight,
                          "Messages that one consumer may have at a time (default 10000).", 1),
    number<std::uint32_t>("--in-flight", "N", c.in_flight,
                          "Messages that all consumers may have at a time (default 100000).", 1),
    number<std::uint32_t>("--waiting-max", "N", c.waiting_max,
                          "Messages that may wait for their next attempt; past it the group takes "
                          "no new ones (default 100000).",
                          1),
    choice(
      "--expired", c.expired,
      "What becomes of messages that expire before they are delivered: drop (default), or dead "
      "letters.",
      {{"drop", "drop"}, {"dead", "dead"}})};
}

} // namespace carafe::shell
