#include "test/sim/name_life.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr std::size_t open_batches = 4;

bool may_refuse(errc code) {
  return code == errc::too_many_requests || code == errc::storage_full ||
         code == errc::shutting_down || code == errc::shard_unavailable ||
         code == errc::outcome_unknown || code == errc::storage_failed;
}

/// The first of the name's numbers that goes to a queue.
sequence first_of(std::uint64_t index, std::uint64_t spread) {
  return sequence{index == 0 ? spread : index};
}

} // namespace

void name_log::begin(producer_name_id id) {
  name = id;
  spread = queues.size();
  acknowledged.clear();
  made.clear();
  for (std::uint64_t index = 0; index < spread; ++index) acknowledged[index] = sequence{0};
}

name_life::name_life(rig& r, name_log& log, name_oracle& told)
  : link_(r, "life"), log_(&log), told_(&told), producer_(log.next_producer()) {}

std::size_t name_life::lane::open() const {
  return static_cast<std::size_t>(
    std::ranges::count_if(batches, [](const batch& b) { return !b.answered; }));
}

void name_life::node_died() {
  link_.forget();
  requests_.clear();
  asked_ = 0;
  pausing_ = false;
  for (auto& [index, l] : lanes_)
    for (auto& b : l.batches) b.under_way = false;
}

void name_life::die() {
  link_.cut();
  dead_ = true;
}

bool name_life::done() const {
  if (doing_ != doing::send || holder_->name != log_->name) return false;
  return std::ranges::all_of(log_->made, [this](const auto& row) {
    const auto acknowledged = log_->acknowledged.at(row.first);
    return acknowledged && *acknowledged >= row.second;
  });
}

void name_life::step(dice& d, bool calm) {
  take();
  if (dead_) return;
  if (!link_.up()) {
    node_died();
    link_.connect();
    asks_progress_ = asks_progress_ && (calm || d.percent(80));
    back_ = d.below(6);
    return;
  }
  if (!calm && d.percent(2)) return link_.cut();
  if (!calm && d.percent(2)) return die();
  if (doing_ == doing::send) return send_some(d, calm);
  if (asked_ == 0) ask();
}

// -- opening --------------------------------------------------------------------------------------

void name_life::ask() {
  if (doing_ == doing::open) {
    wish_ = told_->opening();
    asked_ = link_.post(frames::producer_request{frames::producer_open{"importer"}});
    return;
  }
  asked_ = link_.post(frames::producer_request{
    frames::producer_progress_ask{holder_->name, holder_->epoch, log_->topic}});
}

void name_life::opened(const frames::body& answer) {
  if (const auto* error = std::get_if<frames::error>(&answer)) {
    if (doing_ == doing::ask && error->why.code == errc::producer_fenced) {
      told_->fenced(*holder_);
      return die();
    }
    expect(may_refuse(error->why.code), "a name's holder is told " + error->why.message());
    return;
  }
  const auto* said = std::get_if<frames::producer_answer>(&answer);
  expect(said != nullptr, "a name's holder is answered with another frame");
  if (doing_ == doing::ask) {
    const auto* told = std::get_if<frames::producer_progress>(&said->what);
    expect(told != nullptr, "a name's holder is answered with another frame");
    told_->progress(*holder_, *told);
    return begin_lanes(told);
  }
  const auto* made = std::get_if<frames::producer_opened>(&said->what);
  expect(made != nullptr, "who opens a name is answered with another frame");
  holder_ = told_->opened(*wish_, *made);
  if (holder_->name < log_->name) return die(); // It was forgotten since.
  if (holder_->name > log_->name) log_->begin(holder_->name);
  const bool known =
    std::ranges::all_of(log_->acknowledged, [](const auto& row) { return row.second.has_value(); });
  if (known && !asks_progress_) return begin_lanes(nullptr);
  doing_ = doing::ask;
}

void name_life::begin_lanes(const frames::producer_progress* told) {
  doing_ = doing::send;
  if (holder_->name != log_->name) return die();
  spread_ = log_->spread;
  for (std::uint64_t index = 0; index < spread_; ++index) {
    auto& l = lanes_[index];
    auto& acknowledged = log_->acknowledged[index];
    l.queue = log_->queues[index];
    if (told == nullptr) {
      // From a place that it knows to be stored, or from before.
      const auto back = back_ * spread_;
      l.made = sequence{acknowledged->value > back ? acknowledged->value - back : 0};
      continue;
    }
    l.made = sequence{0};
    for (const auto& place : told->queues)
      if (place.queue == l.queue.queue) l.made = place.last;
    if (!acknowledged || *acknowledged < l.made) acknowledged = l.made;
  }
}

// -- sending --------------------------------------------------------------------------------------

void name_life::send_some(dice& d, bool calm) {
  if (pausing_ && !requests_.empty()) return;
  pausing_ = false;
  auto& [index, l] = d.pick(lanes_);
  // Again, for no reason: an answer may have been late.
  if (!calm && !l.batches.empty() && d.percent(10)) return send(index, d.pick(l.batches));
  for (auto& b : l.batches)
    if (!b.answered) {
      if (!b.under_way) return send(index, b);
      // Only behind what is stored is it sure how the next one is linked.
      if (!l.begun) return;
    }
  if (l.open() < open_batches) make(d, index, l, calm);
}

void name_life::make(dice& d, std::uint64_t index, lane& l, bool calm) {
  batch b;
  // If the name was forgotten since, it does not know.
  auto own = l.made;
  auto& made = log_->name == holder_->name ? log_->made[index] : own;
  for (auto left = l.begun || asks_progress_ ? d.between(1, 3) : 1; left > 0; --left) {
    const auto next = l.made.value == 0 ? first_of(index, spread_) : l.made + spread_;
    if (calm && next > made) break;
    b.numbers.push_back(next);
    l.made = next;
    made = std::max(made, next);
  }
  if (b.numbers.empty()) return;
  b.previous = l.linked;
  b.first = counter_ + 1;
  counter_ = counter_ + b.numbers.size();
  l.linked = counter_;
  l.batches.push_back(std::move(b));
  if (l.batches.size() > 2 * open_batches && l.batches.front().answered) l.batches.pop_front();
  send(index, l.batches.back());
}

void name_life::send(std::uint64_t index, batch& b) {
  const auto& queue = lanes_.at(index).queue.queue;
  batch_builder builder;
  for (const auto number : b.numbers) {
    const numbered message{holder_->name, number};
    told_->sent(message, queue, producer_, *holder_, spread_);
    const auto content = content_of(message);
    const auto body = body_of(content), key = key_of(content), tag = tag_of(content);
    message_view m;
    m.body = body;
    m.key = key;
    m.tag = tag;
    expect(builder.add(m).ok(), "a batch cannot be made");
  }
  const auto made = builder.finish(codec::none);
  expect(made.ok(), "a batch cannot be made");
  const named_part named{holder_->name, holder_->epoch, b.numbers.front(), b.numbers.back(),
                         static_cast<std::uint32_t>(spread_)};
  requests_[link_.post(frames::produce{queue, producer_, b.first, b.previous, made->count,
                                       made->compression, made->checksum, made->bytes, named})] = {
    index, b.first};
  b.under_way = true;
}

void name_life::take() {
  for (const auto& frame : link_.take()) {
    if (dead_) return;
    if (asked_ != 0 && frame.request == asked_) {
      asked_ = 0;
      opened(frame.body);
      continue;
    }
    const auto request = requests_.find(frame.request);
    if (request == requests_.end()) continue;
    const auto [index, first] = request->second;
    requests_.erase(request);
    auto& l = lanes_.at(index);
    const auto b = std::ranges::find(l.batches, first, &batch::first);
    if (b != l.batches.end()) answered(l, index, *b, frame.body);
  }
}

void name_life::stored(std::uint64_t index, batch& b) {
  b.answered = true;
  if (log_->name != holder_->name) return;
  auto& known = log_->acknowledged[index];
  if (known && *known < b.numbers.back()) known = b.numbers.back();
}

void name_life::answered(lane& l, std::uint64_t index, batch& b, const frames::body& answer) {
  b.under_way = false;
  const numbered first{holder_->name, b.numbers.front()};
  if (const auto* receipt = std::get_if<frames::receipt>(&answer)) {
    expect(receipt->count == b.numbers.size() && receipt->queue == l.queue.queue,
           to_string(first) + " got another one's receipt");
    for (std::size_t i = 0; i < b.numbers.size(); ++i)
      told_->stored({holder_->name, b.numbers[i]}, l.queue.queue, receipt->first + i);
    l.begun = true;
    return stored(index, b);
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, to_string(first) + " was answered with another frame");
  switch (error->why.code) {
  case errc::duplicate_too_old:
    for (const auto number : b.numbers) told_->stored_somewhere({holder_->name, number});
    // Of this producer it is not there.
    if (!l.begun && !b.answered) l.linked = b.previous;
    return stored(index, b);
  case errc::producer_fenced:
    told_->fenced(*holder_);
    return die();
  case errc::producer_unknown:
  case errc::sequence_gap: {
    const auto oldest = std::ranges::find(l.batches, false, &batch::answered);
    const bool missing = oldest != l.batches.end() && oldest->first < b.first;
    if (log_->forgetful && error->why.code == errc::producer_unknown) {
      if (b.answered) return; // It was forgotten since.
      if (!missing) return begin_producer();
    }
    expect(!b.answered && missing, to_string(first) + " was refused (" + error->why.message() +
                                     "), but none before it is missing");
    pausing_ = true;
    return;
  }
  default:
    expect(may_refuse(error->why.code),
           to_string(first) + " was answered with " + error->why.message());
    pausing_ = true;
  }
}

void name_life::begin_producer() {
  producer_ = log_->next_producer();
  counter_ = sequence{0};
  // What is on its way may be stored yet, so two of its numbers in one batch could differ in that.
  asks_progress_ = false;
  requests_.clear();
  for (auto& [index, l] : lanes_) {
    // What is stored is known by its numbers, whoever sends it again.
    const auto open = std::ranges::find(l.batches, false, &batch::answered);
    l.batches.erase(l.batches.begin(), open);
    if (!l.batches.empty()) {
      const auto before = l.batches.front().numbers.front().value;
      l.made = sequence{before > spread_ ? before - spread_ : 0};
    }
    l.batches.clear();
    l.linked = sequence{0};
    l.begun = false;
  }
}

} // namespace carafe::sim
