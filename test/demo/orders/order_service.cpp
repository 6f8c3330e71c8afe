/// The order service: places orders, and decides what becomes of each.
///
/// An order's message and its row in the database are both there or neither: the message is
/// prepared first, then the row is written, then the message is committed. Whenever this process
/// dies in between, the node asks the next one, and the row is the answer.

#include "test/demo/orders/service.hpp"

#include <atomic>
#include <exception>
#include <set>
#include <thread>

namespace {

using namespace carafe;
using namespace carafe::demo::orders;
using std::chrono::milliseconds;

/// Sends messages about changes of the database. Rows are the state of each order, and for each
/// transaction what it was for.
class ledger {
public:
  ledger(const std::string& folder, const client::client& node)
    : rows_(folder + "/orders"),
      transactions_(must(node.make_transaction_producer(
        {.group = "order-service",
         .check = [this](const auto& asked) { return outcome_of(asked.transaction); },
         .check_first = milliseconds{500},
         .check_every = milliseconds{500}}))) {
    // Everything that is not of this process was of one that died.
    auto t = transactions_->begin();
    must(t->send("orders", {.body = "nothing"}));
    insist([&] { return t->prepare(); });
    own_ = t->name()->producer.value;
    insist([&] { return t->rollback(); });
  }

  [[nodiscard]] std::map<std::string, std::string> rows() const { return rows_.rows(); }
  [[nodiscard]] std::optional<std::string> state_of(const std::string& order) const {
    return rows_.get(order);
  }
  std::unique_ptr<client::transaction> begin() { return transactions_->begin(); }

  /// What was prepared is to be committed.
  void decide(const client::transaction& t, const std::string& order, const std::string& state,
              const std::string& source) {
    rows_.put({{order, state}, {to_string(t.name().value()), source}});
  }

private:
  client::transaction_outcome outcome_of(const client::transaction_ref& which) const {
    if (rows_.get(to_string(which))) return client::transaction_outcome::commit;
    // This process may be about to write the row.
    const bool nobodys = own_ != 0 && which.producer.value != own_;
    return nobodys ? client::transaction_outcome::rollback : client::transaction_outcome::unknown;
  }

  table rows_;
  std::atomic<std::uint64_t> own_ = 0;
  std::unique_ptr<client::transaction_producer> transactions_;
};

bool is_order(const std::string& key) { return key.starts_with("order-"); }

// -- placing orders -------------------------------------------------------------------------------

/// The order comes back after a day, unless somebody pays meanwhile.
void close_after_a_day(client::producer& producer, const std::string& order, milliseconds day) {
  client::message m{.body = order, .key = order};
  m.delay = day;
  m.properties = {{"carafe-timer", "close " + order}};
  must(producer.send("closings", m));
}

void place(ledger& book, std::uint64_t number) {
  const auto order = order_name(number);
  auto t = book.begin();
  must(t->send("orders", {.body = created, .key = order, .tag = created}));
  insist([&] { return t->prepare(); });
  if (is_given_up(number)) return insist([&] { return t->rollback(); });
  book.decide(*t, order, created, "placed");
  // One that is left open is what a crash between row and commit leaves.
  if (!is_left_open(number)) insist([&] { return t->commit(); });
}

void place_all(const settings& how, const client::client& node, ledger& book) {
  auto producer = must(node.make_producer({}));
  std::uint64_t last = 0;
  for (const auto& [order, state] : book.rows()) {
    if (!is_order(order)) continue;
    last = std::max(last, order_number(order));
    // It may have died before it had set the time. Two of them do no harm.
    if (state == created) close_after_a_day(*producer, order, how.day);
  }
  for (auto number = last + 1; number <= how.orders && !stopping(); ++number) {
    place(book, number);
    if (!is_given_up(number)) close_after_a_day(*producer, order_name(number), how.day);
    std::this_thread::sleep_for(milliseconds{20});
  }
}

// -- what becomes of them -------------------------------------------------------------------------

/// @returns Nothing: it makes no difference any more.
std::optional<std::string> next_state(const std::string& state, const client::delivery& d) {
  const bool is_payment = d.topic == "payments";
  if (is_payment && d.body == paid && state == created) return paid;
  if (is_payment && d.body == paid && state == closed) return refunding;
  if (is_payment && d.body == refunded && state == refunding) return refunded;
  if (d.topic == "closings" && state == created) return closed;
  return std::nullopt;
}

class desk {
public:
  desk(const client::client& node, ledger& book)
    : node_(&node),
      book_(&book),
      consumer_(must(node.make_consumer({.topics = {"payments", "closings"},
                                         .group = "order-desk",
                                         .mode = client::group_mode::keyed}))) {
    for (const auto& [key, value] : book.rows())
      if (!is_order(key)) decided_before_.insert(value);
  }

  void serve() {
    while (!stopping())
      for (const auto& d : must(consumer_->poll(100, milliseconds{50}))) handle(d);
    must(consumer_->close());
  }

private:
  void handle(const client::delivery& d) {
    const auto source =
      d.topic + '/' + std::to_string(d.queue.value) + '/' + std::to_string(d.offset.value);
    const auto state = book_->state_of(d.key);
    // An earlier process has decided about this message and died: the node will ask, and the commit
    // acknowledges it. Or the order is placed, and its row is about to be written.
    if (!state || decided_before_.contains(source))
      return settled(consumer_->nack(d, {.delay = milliseconds{300}, .error = "not yet"}));
    const auto next = next_state(*state, d);
    if (!next) return settled(consumer_->ack(d));
    auto t = book_->begin();
    must(t->acknowledge(*consumer_, d));
    must(t->send("orders", {.body = *next, .key = d.key, .tag = *next}));
    if (*next == refunding) must(t->send("refunds", {.body = d.key, .key = d.key}));
    insist([&] { return t->prepare(); });
    book_->decide(*t, d.key, *next, source);
    insist([&] { return t->commit(); });
    if (*next == paid) (void)node_->cancel_timers({"closings", "close " + d.key});
  }

  const client::client* node_;
  ledger* book_;
  std::unique_ptr<client::consumer> consumer_;
  std::set<std::string> decided_before_;
};

} // namespace

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings& how, const client::client& node) {
    ledger book{how.folder, node};
    std::exception_ptr failure;
    std::thread placing{[&] {
      try {
        place_all(how, node, book);
      } catch (...) {
        failure = std::current_exception();
      }
    }};
    desk{node, book}.serve();
    placing.join();
    if (failure) std::rethrow_exception(failure);
  });
}
