#include "actors/client/direct_transactions.hpp"

#include "actors/client/told.hpp"

#include <limits>
#include <random>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t topics_known_max = 1'024;

producer_id random_id() {
  auto device = std::random_device{};
  auto all = std::uniform_int_distribution<std::uint64_t>{1};
  return producer_id{all(device)};
}

/// A request that may be repeated was not answered in time: nobody knows whether it was done.
failure unanswered(failure why) {
  if (why.code == errc::timeout) why.code = errc::outcome_unknown;
  return why;
}

result<void> check(const transaction_options& options) {
  constexpr auto most = milliseconds{std::chrono::hours{24 * 7}};
  if (options.group.empty()) return {errc::invalid_argument, "a producer group has a name"};
  for (const auto pause : {options.check_first, options.check_every})
    if (pause.count() != 0 && (pause < milliseconds{10} || pause > most))
      return {errc::invalid_argument, "check_first and check_every are from 10 ms to 7 days"};
  return {};
}

} // namespace

// -- desk -----------------------------------------------------------------------------------------

transaction_desk::transaction_desk(std::shared_ptr<connection> c, transaction_options options,
                                   std::function<time_point()> now)
  : connection_(std::move(c)),
    options_(std::move(options)),
    now_(std::move(now)),
    id_(random_id()) {}

std::uint64_t transaction_desk::next_number() {
  auto guard = std::lock_guard{mutex_};
  return ++number_;
}

sequence transaction_desk::take_sequences(std::uint32_t count) {
  auto guard = std::lock_guard{mutex_};
  const auto first = sequence_ + 1;
  sequence_ += count;
  return sequence{first};
}

std::uint32_t transaction_desk::next_turn() {
  auto guard = std::lock_guard{mutex_};
  return turn_++;
}

result<topic_info> transaction_desk::topic(const std::string& name) {
  const auto now = now_();
  auto old = std::optional<topic_info>{};
  {
    auto guard = std::lock_guard{mutex_};
    if (const auto at = topics_.find(name); at != topics_.end()) {
      if (now - at->second.at <= known_for) return at->second.info;
      old = at->second.info;
    }
  }
  auto answer =
    connection_->ask(frames::topic_describe{name, options_.create_topics}, on_loss::resend);
  if (!answer && old && is_retriable(answer.code()))
    return *old; // It may have changed, and may not.
  if (!answer) return answer.error();
  auto* description = std::get_if<frames::topic_description>(&*answer);
  if (description == nullptr || description->queues.empty())
    return {errc::internal, "the answer is no description of " + name};
  auto info = told(std::move(*description));
  auto guard = std::lock_guard{mutex_};
  if (topics_.size() >= topics_known_max) topics_.clear();
  topics_.insert_or_assign(name, known_topic{info, now});
  return info;
}

void transaction_desk::forget_topics() {
  auto guard = std::lock_guard{mutex_};
  topics_.clear();
}

// -- transaction ----------------------------------------------------------------------------------

direct_transaction::direct_transaction(std::shared_ptr<transaction_desk> desk)
  : desk_(std::move(desk)), number_(desk_->next_number()) {}

std::optional<transaction_ref> direct_transaction::name() const {
  if (!told_) return std::nullopt;
  return transaction_ref{*coordinator_, desk_->id(), number_};
}

/// The coordinator is the most durable shard with a part; of those, one whose messages are
/// acknowledged, because there a commit can see whether that comes too late.
void direct_transaction::prefer(const queue_info& place, bool consumed) {
  const bool better = !best_ || place.mode < best_->mode ||
                      (place.mode == best_->mode && consumed && !best_consumed_);
  if (!better) return;
  best_ = place;
  best_consumed_ = consumed;
}

result<void> direct_transaction::seal(open_batch& batch) {
  if (batch.builder.count() == 0) return {};
  auto encoded = batch.builder.finish(desk_->options().compression);
  if (!encoded) return encoded.error();
  batch.full.push_back(std::move(*encoded));
  return {};
}

result<void> direct_transaction::send(const std::string& topic, message m,
                                      std::optional<queue_number> to) {
  if (ended_) return {errc::tx_ended, "it has ended; begin another one"};
  if (m.deliver_at.value != 0 || m.delay.count() != 0)
    return {errc::unsupported, "a message of a transaction cannot have a time of delivery"};
  if (!m.dedup_id.empty())
    return {errc::unsupported, "a message of a transaction cannot have a dedup id"};
  if (m.ttl.count() < 0) return {errc::invalid_argument, "ttl is below 0"};
  auto info = desk_->topic(topic);
  if (!info) return info.error();
  const auto count = static_cast<std::uint32_t>(info->queues.size());
  auto number = to ? *to : queue_number{0};
  if (!to)
    number = m.key.empty() ? queue_number{desk_->next_turn() % count} : queue_of_key(m.key, count);
  if (number.value >= count)
    return {errc::queue_unknown, topic + "/" + std::to_string(number.value)};
  const auto& place = info->queues[number.value];
  if (m.born.value == 0)
    m.born = unix_ms{
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count()};
  auto view = message_view{m.key, m.body, m.tag, {}, m.born, m.priority};
  view.ttl_ms = static_cast<std::uint64_t>(m.ttl.count());
  const auto properties = std::vector<std::pair<std::string_view, std::string_view>>(
    m.properties.begin(), m.properties.end());
  view.properties = properties;
  auto at = batches_.find(place.queue);
  if (at == batches_.end())
    at = batches_.emplace(place.queue, open_batch{batch_builder{desk_->way().wire().limits()}, {}})
           .first;
  auto added = at->second.builder.add(view);
  if (!added && added.code() == errc::batch_too_large && at->second.builder.count() > 0) {
    if (auto ok = seal(at->second); !ok) return ok;
    added = at->second.builder.add(view);
  }
  if (added) prefer(place, false);
  return added;
}

result<void> direct_transaction::acknowledge(consumer& from, const delivery& d) {
  if (ended_) return {errc::tx_ended, "it has ended; begin another one"};
  const auto group = from.group();
  if (group.empty()) return {errc::invalid_argument, "the consumer is in no group"};
  auto info = desk_->topic(d.topic);
  if (!info) return info.error();
  if (d.number.value >= info->queues.size()) { // It was added since.
    desk_->forget_topics();
    info = desk_->topic(d.topic);
    if (!info) return info.error();
    if (d.number.value >= info->queues.size())
      return {errc::queue_unknown, d.topic + "/" + std::to_string(d.number.value)};
  }
  prefer(info->queues[d.number.value], true);
  consumed_[{group, d.queue}].add({d.offset, 1});
  auto kept = d;
  kept.body.clear();
  kept.properties.clear();
  handled_.push_back({&from, std::move(kept)});
  return {};
}

/// Puts what was added into frames that the node takes.
result<void> direct_transaction::make_frames() {
  for (auto& [queue, batch] : batches_)
    if (auto ok = seal(batch); !ok) return ok;
  const auto bytes_max = desk_->way().wire().limits().batch_bytes_max;
  const auto blank = [this] {
    frames::tx_prepare out;
    out.transaction = {*coordinator_, {desk_->id(), number_}};
    out.group = desk_->options().group;
    out.check_first_ms = static_cast<std::uint32_t>(desk_->options().check_first.count());
    out.check_every_ms = static_cast<std::uint32_t>(desk_->options().check_every.count());
    return out;
  };
  auto frame = blank();
  std::uint64_t bytes = 0;
  for (const auto& [whose, offsets] : consumed_)
    frame.consumed.push_back({whose.first, whose.second, offsets.to_ranges()});
  for (auto& [queue, batch] : batches_)
    for (auto& encoded : batch.full) {
      if (!frame.batches.empty() && bytes + encoded.bytes.size() > bytes_max) {
        unsent_.push_back(std::exchange(frame, blank()));
        bytes = 0;
      }
      bytes += encoded.bytes.size();
      frame.batches.push_back({queue, desk_->take_sequences(encoded.count), encoded.count,
                               encoded.compression, encoded.checksum, std::move(encoded.bytes)});
    }
  batches_.clear();
  consumed_.clear();
  if (!frame.batches.empty() || !frame.consumed.empty()) unsent_.push_back(std::move(frame));
  return {};
}

result<void> direct_transaction::prepare() {
  if (ended_) return {errc::tx_ended, "it has ended; begin another one"};
  if (!best_) return {};
  if (!coordinator_) coordinator_ = best_->shard;
  if (auto ok = make_frames(); !ok) return ok;
  while (!unsent_.empty()) {
    told_ = true;
    auto answer = desk_->way().ask(unsent_.front(), on_loss::resend);
    if (!answer) {
      if (answer.code() == errc::queue_unknown) desk_->forget_topics();
      return unanswered(answer.error());
    }
    if (!std::holds_alternative<frames::tx_prepared>(*answer))
      return {errc::internal, "the node answered with a frame of another kind"};
    unsent_.erase(unsent_.begin());
  }
  return {};
}

result<void> direct_transaction::end(frames::tx_outcome how) {
  const auto answer =
    desk_->way().ask(frames::tx_end{{*coordinator_, {desk_->id(), number_}}, how}, on_loss::resend);
  if (answer) {
    ended_ = how;
    return {};
  }
  if (answer.code() == errc::tx_ended)
    ended_ =
      how == frames::tx_outcome::commit ? frames::tx_outcome::rollback : frames::tx_outcome::commit;
  return unanswered(answer.error());
}

result<void> direct_transaction::commit() {
  if (ended_ == frames::tx_outcome::commit) return {};
  if (auto ok = prepare(); !ok) return ok;
  if (told_)
    if (auto ok = end(frames::tx_outcome::commit); !ok) return ok;
  ended_ = frames::tx_outcome::commit;
  // The node knows; the consumers need not renew these leases any more.
  for (const auto& each : handled_) static_cast<void>(each.by->ack(each.what));
  return {};
}

result<void> direct_transaction::rollback() {
  if (ended_ == frames::tx_outcome::rollback) return {};
  if (ended_) return {errc::tx_ended, "it was committed"};
  if (told_) {
    auto ok = end(frames::tx_outcome::rollback);
    // What was refused when it was prepared is not there.
    if (!ok && ok.code() != errc::tx_unknown) return ok;
  }
  ended_ = frames::tx_outcome::rollback;
  return {};
}

// -- producer -------------------------------------------------------------------------------------

direct_transactions::direct_transactions(std::shared_ptr<connection> c, transaction_options options)
  : desk_(std::make_shared<transaction_desk>(c, options)) {
  if (options.check) checks_.emplace(std::move(c), options);
}

std::unique_ptr<transaction> direct_transactions::begin() {
  return std::make_unique<direct_transaction>(desk_);
}

result<std::unique_ptr<transaction_producer>> open_transactions(std::shared_ptr<connection> c,
                                                                transaction_options options) {
  if (auto ok = check(options); !ok) return ok.error();
  if (options.check) { // What the node has against the group is told here.
    auto joined = c->ask(frames::tx_join{options.group, false}, on_loss::resend);
    if (!joined) return joined.error();
  }
  return std::unique_ptr<transaction_producer>{
    std::make_unique<direct_transactions>(std::move(c), std::move(options))};
}

} // namespace carafe::client
