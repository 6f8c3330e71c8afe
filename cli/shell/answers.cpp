#include "cli/shell/answers.hpp"

#include "cli/shell/delivery_text.hpp"
#include "cli/shell/json_writer.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <utility>

namespace carafe::shell {

namespace {

void append_json(std::string& out, std::uint64_t line, const client::receipt& r) {
  // What is not known of a message that was there before is null: of one that an earlier run of a
  // named producer stored, nothing but the queue; of one known by its dedup id, id and time.
  const bool placed = r.batch_count > 0;
  json_writer w{out};
  const auto number_if = [&w](std::string_view name, bool known, std::uint64_t value) {
    w.name(name);
    if (known)
      w.number(value);
    else
      w.null();
  };
  w.begin_object().name("line").number(line).name("topic").text(r.topic);
  w.name("queue").number(std::uint64_t{r.number.value});
  w.name("queue_id").number(r.queue.value);
  number_if(r.timed ? "number" : "offset", placed, r.offset.value);
  append_id(w, r.id);
  w.name("durability").text(durability_name(r.reached));
  w.name("replicas").number(std::uint64_t{r.replicas}).name("duplicate").boolean(r.duplicate);
  number_if("batch_first_offset", placed, r.batch_first.value);
  w.name("batch_count").number(std::uint64_t{r.batch_count});
  w.name("broker_time");
  if (r.broker_time.value != 0)
    w.text(time_text(r.broker_time));
  else
    w.null();
  w.end_object();
  out += '\n';
}

void append_text(std::string& out, std::uint64_t line, const client::receipt& r) {
  if (r.batch_count == 0) {
    out += "line " + std::to_string(line) + ": queue " + std::to_string(r.number.value) +
           ", stored by an earlier run\n";
    return;
  }
  out += "line " + std::to_string(line) + ": queue " + std::to_string(r.number.value) +
         (r.timed ? ", for later: number " : ", offset ") + std::to_string(r.offset.value) +
         (r.timed ? ", id " + client::to_string(r.id) : "") + ", " +
         std::string{durability_name(r.reached)} + ", " + counted(r.replicas, "replica") +
         (r.duplicate ? ", stored by an earlier attempt\n" : "\n");
}

} // namespace

void answers::take(std::uint64_t line, std::uint64_t bytes, const result<client::receipt>& answer) {
  if (!answer) {
    std::lock_guard lock{mutex_};
    failures_.emplace(line, answer.error());
    if (failures_.size() > failures_kept) failures_.erase(std::prev(failures_.end()));
    // The first failure ends a wait for more input.
    if (failed_.fetch_add(1) == 0) waiter_.wake();
    return;
  }
  stored_.fetch_add(1, std::memory_order_relaxed);
  stored_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (answer->duplicate) duplicates_.fetch_add(1, std::memory_order_relaxed);
  if (wanted_ == receipts::none) return;
  std::lock_guard lock{mutex_};
  if (wanted_ == receipts::json)
    append_json(lines_, line, *answer);
  else
    append_text(lines_, line, *answer);
  if (!has_receipts_.exchange(true)) waiter_.wake();
}

std::string answers::take_receipts() {
  std::lock_guard lock{mutex_};
  has_receipts_.store(false);
  return std::exchange(lines_, {});
}

std::map<std::uint64_t, failure> answers::failures() const {
  std::lock_guard lock{mutex_};
  return failures_;
}

} // namespace carafe::shell
