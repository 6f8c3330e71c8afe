#include "cli/shell/production.hpp"

#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <utility>

namespace carafe::shell {

namespace {

answers::receipts receipt_form(const produce_options& options, const command_context& context) {
  if (!options.receipts) return answers::receipts::none;
  return context.globals.json ? answers::receipts::json : answers::receipts::text;
}

/// While a rate is kept, failures and receipts are looked at so often.
constexpr std::chrono::milliseconds pace_wait_max{100};
/// While the last answers are waited for, the same.
constexpr std::chrono::milliseconds answers_wait{50};
const std::chrono::milliseconds default_delivery_timeout =
  client::producer_options{}.delivery_timeout;

} // namespace

production::production(const produce_options& options, command_context& context,
                       std::unique_ptr<client::producer> producer,
                       std::shared_ptr<quota_notice> quota)
  : options_(options),
    context_(context),
    answers_(receipt_form(options, context), context.stop),
    quota_(std::move(quota)),
    producer_(std::move(producer)) {}

bool production::goes_on() const noexcept {
  return !context_.stop.requested() && !answers_.any_failed() && !input_failure_ &&
         context_.terminal.out_error() == 0;
}

std::string production::place(std::uint64_t line) const {
  return options_.body || options_.whole ? "the message" : "line " + std::to_string(line);
}

void production::tell_news() {
  if (const auto line = quota_->take(); line && !context_.globals.json)
    context_.terminal.write_error(*line);
  if (answers_.has_receipts()) context_.terminal.write(answers_.take_receipts());
}

bool production::split_key(std::string_view& body, std::uint64_t line, client::message& m) {
  const auto& separator = *options_.key_separator;
  auto at = body.find(separator);
  if (at == std::string_view::npos) {
    input_failure_ = {"key_separator_missing",
                      place(line) + " does not hold the key separator '" + separator +
                        "'; nothing from it on was sent: correct it, or leave --key-separator out"};
    return false;
  }
  m.key = body.substr(0, at);
  body.remove_prefix(at + separator.size());
  return true;
}

/// @returns Whether to go on.
bool production::send(std::string_view piece, std::uint64_t line) {
  client::message m;
  if (options_.key)
    m.key = *options_.key;
  else if (options_.key_separator && !split_key(piece, line, m))
    return false;
  m.body = piece;
  m.tag = options_.tag;
  m.properties = options_.properties;
  m.priority = options_.priority;
  m.ttl = options_.ttl;
  m.delay = options_.delay.value_or(std::chrono::milliseconds{0});
  m.deliver_at = options_.deliver_at.value_or(unix_ms{0});
  if (options_.producer) m.sequence = sequence{options_.sequence_from.value_or(1) + line - 1};
  m.dedup_id = options_.dedup_keys ? m.key : options_.dedup_id.value_or("");
  if (options_.timer_name) m.properties.emplace_back("carafe-timer", *options_.timer_name);
  const auto given = give(m, line);
  if (given)
    ++given_;
  else if (!context_.stop.requested() && given.code() != errc::disconnected)
    answers_.take(line, m.body.size(), given.error()); // Else it is told of the one that failed.
  return given.ok();
}

/// Waits for room as long as a message may take, but not past Ctrl-C. Without `--timeout` the time
/// does not count for which a quota holds messages up.
result<void> production::give(const client::message& m, std::uint64_t line) {
  const std::uint64_t bytes = m.body.size();
  const auto patience = context_.globals.timeout.value_or(default_delivery_timeout);
  auto until = clock::now() + patience;
  for (;;) {
    auto given = producer_->send_async(
      options_.topic, m,
      [this, line, bytes](const result<client::receipt>& r) { answers_.take(line, bytes, r); },
      options_.queue);
    if (given.code() != errc::timeout || !goes_on()) return given;
    tell_news();
    if (!context_.globals.timeout && quota_->holds()) until = clock::now() + patience;
    if (clock::now() >= until) return given;
  }
}

void production::send_body() { send(*options_.body, 1); }

void production::pace(std::uint64_t sent) {
  if (options_.rate <= 0) return;
  const auto due =
    begun_ + std::chrono::duration_cast<clock::duration>(
               std::chrono::duration<double>(static_cast<double>(sent) / options_.rate));
  while (goes_on()) {
    const auto left = std::chrono::floor<std::chrono::milliseconds>(due - clock::now());
    if (left.count() <= 0) return;
    context_.stop.wait(-1, std::min(left, pace_wait_max));
    tell_news();
  }
}

void production::stop_at_input(line_input& input, line_input::event why) {
  if (why == line_input::event::too_large)
    input_failure_ = {std::string{to_string(errc::message_too_large)},
                      place(input.number()) + " has more than " + size_text(line_input::bytes_max) +
                        ", which no node takes; nothing from it on was sent"};
  if (why == line_input::event::failed)
    input_failure_ = {"input_unreadable",
                      std::string{"reading the input failed: "} + std::strerror(input.error())};
}

void production::send_input(int fd, std::optional<std::uint64_t> bytes_total) {
  line_input input{fd, options_.whole ? line_input::unit::whole : line_input::unit::line,
                   context_.stop};
  progress_bar bar{context_.terminal, {.bytes_total = bytes_total.value_or(0)}};
  const bool draws = bytes_total && !options_.receipts && !context_.globals.json;
  while (goes_on()) {
    const auto event = input.next();
    tell_news();
    if (event == line_input::event::woken) continue;
    if (event != line_input::event::piece) {
      stop_at_input(input, event);
      return;
    }
    pace(given_);
    if (!goes_on() || !send(input.piece(), input.number())) return;
    // Looking at the clock for each message would cost more than the rest of this loop.
    if (draws && (given_ % 256 == 0 || options_.rate > 0)) bar.update(input.bytes_read(), given_);
  }
}

void production::report_failures() {
  if (input_failure_) context_.fail(input_failure_->code, input_failure_->sentence);
  const auto failures = answers_.failures();
  for (const auto& [line, why] : failures) {
    const auto detail = place(line) + (why.detail.empty() ? "" : ": " + why.detail);
    if (options_.producer && is_retriable(why.code) && !context_.globals.json)
      context_.fail(to_string(why.code), detail + ": send all of it again under this name; what is "
                                                  "stored already is not stored twice");
    else if (why.code == errc::outcome_unknown && !context_.globals.json)
      // A later `produce` is another producer: nothing it sends is recognised.
      context_.fail(to_string(why.code), detail + ": it may or may not be stored; look before you "
                                                  "send it again, it would be stored twice");
    else
      context_.fail({why.code, detail});
  }
  const auto more = answers_.failed() - failures.size();
  if (more > 0 && !context_.globals.json)
    context_.terminal.write_error("and " + counted(more, "more line") + " that failed\n");
}

void production::summarize(double seconds) {
  const auto messages = answers_.stored();
  const auto bytes = answers_.stored_bytes();
  const double shortest = std::max(seconds, 0.000'001);
  record r;
  r.add("topic", value::text(options_.topic));
  r.add("messages", value::count(messages));
  r.add("bytes", value::size(bytes));
  r.add("seconds", value::rate(seconds));
  r.add("messages_per_second", value::rate(static_cast<double>(messages) / shortest));
  r.add("bytes_per_second", value::rate(static_cast<double>(bytes) / shortest));
  r.add("duplicates", value::count(answers_.duplicates()));
  r.add("failed", value::count(answers_.failed()));
  if (context_.globals.json) {
    // Receipts are a stream of their own kind of object.
    if (options_.receipts)
      context_.terminal.write_error(to_json(r) + '\n');
    else
      context_.terminal.write(to_json(r) + '\n');
    return;
  }
  std::string line = counted(messages, "message") + ", " + size_text(bytes) + " in " +
                     span_text(static_cast<std::uint64_t>(seconds * 1'000)) + " (" +
                     rate_text(static_cast<double>(messages) / shortest) + ", " +
                     size_rate_text(static_cast<double>(bytes) / shortest) + ')';
  if (answers_.duplicates() > 0)
    line += ", " + counted(answers_.duplicates(), "message") + " stored by an earlier attempt";
  if (answers_.failed() > 0) line += ", " + count_text(answers_.failed()) + " failed";
  context_.terminal.write_error(line + '\n');
}

void production::tell_interrupted() {
  if (!context_.stop.requested() || context_.globals.json) return;
  const auto unanswered = given_ - std::min(given_, answers_.stored() + answers_.failed());
  std::string line = "\ninterrupted";
  if (unanswered > 0)
    line += ": waiting for " + counted(unanswered, "answer") + "; Ctrl-C again gives them up";
  context_.terminal.write_error(line + '\n');
}

/// Not past Ctrl-C, if a quota holds up what is not answered.
result<void> production::wait_for_answers() {
  auto flushed = std::async(std::launch::async, [this] { return producer_->flush(); });
  while (flushed.wait_for(answers_wait) != std::future_status::ready) {
    tell_news();
    if (context_.stop.requested() && quota_->holds()) producer_->give_up();
  }
  return flushed.get();
}

exit_code production::finish() {
  tell_interrupted();
  const auto flushed = wait_for_answers();
  // Its answers are all in when it is gone; a lost node's messages are `outcome_unknown` by then.
  producer_.reset();
  tell_news();
  const std::chrono::duration<double> seconds = clock::now() - begun_;
  report_failures();
  const bool failed = input_failure_ || answers_.failed() > 0;
  if (!flushed && !failed) context_.fail(flushed.error());
  summarize(seconds.count());
  return failed || !flushed || context_.stop.requested() ? exit_code::failed : exit_code::ok;
}

} // namespace carafe::shell
