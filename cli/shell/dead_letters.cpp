#include "cli/shell/dead_letters.hpp"

#include "cli/shell/views.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

using client::dead_letter_range;

/// Of one request to the node.
constexpr std::uint64_t letters_at_once = 1'000;
constexpr std::chrono::milliseconds read_wait{50};

std::string topic_of(const letter_choice& choice) { return "%DLQ%" + choice.group; }

bool has(const std::vector<dead_letter_range>& letters, const client::delivery& d) {
  return std::ranges::any_of(letters, [&](const dead_letter_range& range) {
    return range.queue == d.queue && range.first <= d.offset &&
           d.offset.value - range.first.value < range.count;
  });
}

/// The next `most` letters, taken off the front of `left`.
std::vector<dead_letter_range> take(std::vector<dead_letter_range>& left, std::uint64_t most) {
  std::vector<dead_letter_range> out;
  while (!left.empty() && most > 0) {
    auto& front = left.front();
    auto part = front;
    part.count = std::min(front.count, most);
    most -= part.count;
    front.first = front.first + part.count;
    front.count -= part.count;
    out.push_back(part);
    if (front.count == 0) left.erase(left.begin());
  }
  return out;
}

std::uint64_t count_of(const std::vector<dead_letter_range>& letters) {
  std::uint64_t out = 0;
  for (const auto& range : letters) out += range.count;
  return out;
}

record outcome_view(const client::redriven_letter& letter,
                    const std::vector<dead_letter_range>& asked) {
  record r;
  for (const auto& range : asked)
    if (range.queue == letter.queue) {
      r.add("queue", value::id(range.number.value));
      break;
    }
  r.add("offset", value::id(letter.offset.value));
  r.add("outcome",
        value::text(letter.why.code == errc::none ? "done" : to_string(letter.why.code)));
  return std::move(r.add("detail", value::text(letter.why.detail)));
}

} // namespace

bool letter_choice::matches(const client::delivery& letter) const {
  if (!match(letter)) return false;
  if (!error) return true;
  const auto last = std::find_if(letter.properties.rbegin(), letter.properties.rend(),
                                 [](const auto& p) { return p.first == "carafe-dead-error"; });
  return last != letter.properties.rend() && last->second.find(*error) != std::string::npos;
}

std::vector<option> letter_options(letter_choice& choice) {
  std::vector<option> out{
    text("GROUP", "", choice.group, "The group.").must().completed_by(completes::group),
    number<queue_number>("--queue", "Q", choice.queue,
                         "Only those in the queue of this number of %DLQ%GROUP."),
    number<offset>("--offset", "N", choice.at, "Only the one at this offset there."),
    number<std::uint64_t>("--count", "N", choice.count,
                          "At most so many, the oldest of each queue first (default 10000).", 1)};
  for (auto& each : match_options(choice.match)) out.push_back(std::move(each));
  out.push_back(
    text("--error", "TEXT", choice.error, "Only those whose last error has TEXT in it."));
  return out;
}

result<std::vector<dead_letter_range>> chosen_letters(const letter_choice& choice, node_api& node) {
  auto all = node.dead_letters(choice.group);
  if (!all) return all.error();
  std::vector<dead_letter_range> wanted;
  for (auto range : *all) {
    if (choice.queue && range.number != *choice.queue) continue;
    if (choice.at) {
      if (*choice.at < range.first || choice.at->value - range.first.value >= range.count) continue;
      range.first = *choice.at;
      range.count = 1;
    }
    wanted.push_back(range);
  }
  if (choice.queue && wanted.empty())
    if (const auto topic = node.describe_topic(topic_of(choice));
        topic && choice.queue->value >= topic->queues.size())
      return {errc::queue_unknown, topic_of(choice) + " has " +
                                     counted(topic->queues.size(), "queue") + ", and no queue " +
                                     std::to_string(choice.queue->value)};
  if (choice.at && wanted.empty())
    return {errc::not_found, "no open dead letter at offset " + std::to_string(choice.at->value) +
                               " of " + topic_of(choice) +
                               "; 'dlq list' tells where they are, also those that were moved"};
  return choice.looks_inside() ? wanted : take(wanted, choice.count);
}

result<std::vector<client::delivery>> read_letters(const letter_choice& choice,
                                                   const std::vector<dead_letter_range>& letters,
                                                   command_context& context, node_api& node,
                                                   bool with_bodies) {
  std::vector<client::delivery> out;
  auto missing = count_of(letters);
  auto first = letters.empty() ? offset{0} : letters.front().first;
  for (const auto& range : letters) first = std::min(first, range.first);
  if (missing == 0) return out;
  client::consumer_options options;
  options.topics = {topic_of(choice)};
  options.start = {start_position::kind::at_offset, first, {}};
  options.out_of_range = range_policy::earliest;
  auto consumer = node.make_consumer(options);
  if (!consumer) return consumer.error();
  const auto until =
    std::chrono::steady_clock::now() + context.globals.timeout.value_or(default_timeout);
  while (missing > 0 && out.size() < choice.count && !context.stop.requested()) {
    auto some = (*consumer)->poll(1'000, read_wait);
    if (!some) return some.error();
    for (auto& d : *some) {
      if (!has(letters, d)) continue;
      --missing;
      if (out.size() == choice.count || !choice.matches(d)) continue;
      if (!with_bodies) d.body = {};
      out.push_back(std::move(d));
    }
    if (some->empty() && std::chrono::steady_clock::now() > until)
      return {errc::timeout, std::to_string(missing) + " dead letters could not be read"};
  }
  return out;
}

namespace {

/// Those that were chosen, also by what is in them.
result<std::vector<dead_letter_range>>
letters_to_deal_with(const letter_choice& choice, command_context& context, node_api& node) {
  auto letters = chosen_letters(choice, node);
  if (!letters || !choice.looks_inside()) return letters;
  auto read = read_letters(choice, *letters, context, node, false);
  if (!read) return read.error();
  std::vector<dead_letter_range> out;
  for (const auto& letter : *read) out.push_back({letter.queue, letter.number, letter.offset, 1});
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return std::pair{a.number, a.first} < std::pair{b.number, b.first};
  });
  return out;
}

} // namespace

exit_code deal_with(const letter_choice& choice, const letter_deed& deed,
                    command_context& context) {
  auto node = context.node();
  signal_catcher catcher{context.stop};
  auto left = letters_to_deal_with(choice, context, *node);
  if (!left) return context.fail(left.error());
  const auto asked = *left;
  if (const auto many = count_of(asked);
      deed.asks && many > 0 && !context.stop.requested() &&
      !context.terminal.ask("Strike off " + counted(many, "dead letter") + " of group " +
                            choice.group + "?"))
    return context.fail("cancelled", "nothing was struck off");
  std::vector<record> rows;
  bool all_done = true;
  while (!left->empty() && !context.stop.requested()) {
    const auto most = deed.rate == 0 ? letters_at_once : std::max<std::uint64_t>(deed.rate / 10, 1);
    const auto part = take(*left, most);
    auto done = node->redrive(choice.group, part, deed.purge);
    if (!done) {
      context.show(rows, "no dead letters"); // What became of those before is said all the same.
      return context.fail(done.error());
    }
    for (const auto& letter : *done) {
      all_done &= letter.why.code == errc::none;
      rows.push_back(outcome_view(letter, asked));
    }
    if (deed.rate != 0 && !left->empty())
      context.stop.wait(-1, std::chrono::milliseconds{1'000 * done->size() / deed.rate});
  }
  const auto shown = context.show(rows, "no dead letters");
  return shown == exit_code::ok && !all_done ? exit_code::failed : shown;
}

} // namespace carafe::shell
