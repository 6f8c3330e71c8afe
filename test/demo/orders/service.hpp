#pragma once

/// What the services of the order demo share: their settings, their small databases, and what an
/// order is like.

#include <carafe/client.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace carafe::demo::orders {

template <class T>
T must(result<T> r) {
  if (!r) throw std::runtime_error{r.error().message()};
  return std::move(r).value();
}
void must(const result<void>& r);
/// Tries again for as long as that may help, as while the node is down.
void insist(const std::function<result<void>()>& what);
/// Somebody else may have the message by now, and gets to the same end.
void settled(const result<void>& r);

struct settings {
  std::string node;
  /// Where the databases lie, one file each.
  std::string folder;
  std::uint64_t orders = 0;
  /// An order that is not paid after a day is closed. Days are short here.
  std::chrono::milliseconds day{0};
};

/// Reads NODE FOLDER ORDERS DAY_MS, connects, and runs `serve` until it returns or throws. SIGTERM
/// sets `stopping`.
/// @returns The program's exit code.
int run(int argc, char** argv, const std::function<void(const settings&, const client::client&)>&);
[[nodiscard]] bool stopping();

/// A database of one table: the last value of each key, in a file that is synced line by line. What
/// `put` returned from survives kill -9.
///
/// @thread Any.
class table {
public:
  explicit table(const std::string& path);
  ~table();
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  /// All of these or none, whenever the process dies.
  void put(const std::vector<std::pair<std::string, std::string>>& rows);
  [[nodiscard]] std::optional<std::string> get(const std::string& key) const;
  [[nodiscard]] std::map<std::string, std::string> rows() const;

private:
  mutable std::mutex lock_;
  std::map<std::string, std::string> rows_;
  int file_;
};

// -- orders ---------------------------------------------------------------------------------------

/// "order-00042". They are numbered from 1.
[[nodiscard]] std::string order_name(std::uint64_t number);
[[nodiscard]] std::uint64_t order_number(const std::string& name);

/// Pieces that it takes from the stock.
[[nodiscard]] std::uint64_t pieces_of(std::uint64_t order);

/// The customer goes away before the order is placed.
[[nodiscard]] bool is_given_up(std::uint64_t order);
/// The order service does not come to commit it: the node has to ask.
[[nodiscard]] bool is_left_open(std::uint64_t order);

enum class customer { pays, pays_late, never_pays };
[[nodiscard]] customer customer_of(std::uint64_t order);
/// Its refund fails until somebody has talked to the bank.
[[nodiscard]] bool bank_refuses(std::uint64_t order);

/// What happens to an order, in this order.
inline const std::string created = "created", paid = "paid", closed = "closed",
                         refunding = "refunding", refunded = "refunded";

} // namespace carafe::demo::orders
