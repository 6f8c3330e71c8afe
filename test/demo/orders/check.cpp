/// Looks at what is left when all is done: the log, and every service's database.

#include "test/demo/orders/flash.hpp"
#include "test/demo/orders/reading.hpp"
#include "test/demo/orders/service.hpp"

#include <fstream>
#include <iostream>

namespace {

using namespace carafe;
using namespace carafe::demo::orders;

class verdict {
public:
  void check(const std::string& what, std::uint64_t is, std::uint64_t wanted) {
    std::cout << what << '|' << is << (is == wanted ? "" : "  WRONG, not " + std::to_string(wanted))
              << '\n';
    if (is != wanted) ++wrong_;
  }
  void tell(const std::string& what, std::uint64_t is) { std::cout << what << '|' << is << '\n'; }
  void complain(const std::string& what) {
    std::cout << "WRONG|" << what << '\n';
    ++wrong_;
  }
  void finish() const {
    std::cout.flush();
    if (wrong_ > 0) throw std::runtime_error{std::to_string(wrong_) + " things are wrong"};
  }

private:
  std::uint64_t wrong_ = 0;
};

/// Whether the log may say this of an order. Who pays may come too late where services were down.
bool may_live(std::uint64_t order, const std::string& life) {
  const auto was_closed = created + ' ' + closed + ' ';
  if (customer_of(order) == customer::never_pays) return life == was_closed;
  return life == created + ' ' + paid + ' ' ||
         life == was_closed + refunding + ' ' + refunded + ' ';
}

struct log {
  /// What the log says of each order, in its order.
  std::map<std::string, std::string> lives;
  std::map<std::string, std::uint64_t> since;
};

log read_log(const client::client& node, std::int64_t since) {
  log out;
  read_all(node, "orders", {}, [&](const client::delivery& d) {
    out.lives[d.key] += d.body + ' ';
    if (d.broker_time.value >= since) ++out.since[d.body];
  });
  return out;
}

void check_orders(const settings& how, const log& said, verdict& v) {
  const auto rows = table{how.folder + "/orders"}.rows();
  const auto coupons = table{how.folder + "/coupons"}.rows();
  const auto pieces = table{how.folder + "/pieces"}.rows();
  std::map<std::string, std::uint64_t> ends;
  std::uint64_t placed = 0, as_said = 0, sent = 0, wanted = 0;
  for (std::uint64_t n = 1; n <= how.orders; ++n) {
    const auto order = order_name(n);
    const auto life = said.lives.find(order);
    if (is_given_up(n)) {
      if (life != said.lives.end() || rows.contains(order))
        v.complain(order + " was given up, and is there");
      continue;
    }
    ++placed;
    const auto row = rows.find(order);
    const auto state = row == rows.end() ? "missing" : row->second;
    ++ends[state];
    const auto got = life == said.lives.end() ? "" : life->second;
    if (may_live(n, got) && got.ends_with(' ' + state + ' '))
      ++as_said;
    else
      v.complain(order + " is " + state + "; the log says: " + got);
    if (state == paid) wanted += pieces_of(n);
    if (const auto at = pieces.find(order); at != pieces.end() && at->second == "sent")
      sent += pieces_of(n);
  }
  v.check("orders placed, each in the log from its first to its one last state", as_said, placed);
  for (const auto& [state, count] : ends) v.tell("  " + state, count);
  v.check("coupons, one for each paid order", coupons.size(), ends[paid]);
  v.check("pieces sent, those of paid orders", sent, wanted);
}

void check_flash(const settings& how, verdict& v) {
  const auto answers = table{how.folder + "/flash"}.rows();
  std::uint64_t sold = 0;
  for (const auto& [customer, answer] : answers) sold += answer == "sold" ? 1 : 0;
  v.check("flash sale: customers answered", answers.size(), flash_customers);
  v.check("flash sale: pieces sold", sold, flash_pieces);
}

void check_report(const settings& how, const log& said, verdict& v) {
  std::ifstream report{how.folder + "/report"};
  std::map<std::string, std::uint64_t> counts;
  std::string what;
  for (std::uint64_t count = 0; report >> what >> count;) counts[what] = count;
  for (const auto& [state, count] : said.since)
    v.check("data team, since the kill: " + state, counts[state], count);
}

} // namespace

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings& how, const client::client& node) {
    std::int64_t since = 0;
    std::ifstream{how.folder + "/since"} >> since;
    const auto said = read_log(node, since);
    verdict v;
    check_orders(how, said, v);
    check_flash(how, v);
    check_report(how, said, v);
    const auto open = must(node.list_transactions());
    v.check("transactions open", open.total, 0);
    v.check("half messages prepared, all committed or rolled back", open.prepared,
            open.committed + open.rolled_back);
    std::uint64_t letters = 0;
    for (const auto& range : must(node.dead_letters("bank"))) letters += range.count;
    v.check("dead letters left", letters, 0);
    v.finish();
  });
}
