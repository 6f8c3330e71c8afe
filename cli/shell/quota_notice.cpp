#include "cli/shell/quota_notice.hpp"

#include <algorithm>

namespace carafe::shell {

using std::chrono::steady_clock;

void quota_notice::heard(const failure& why, std::chrono::milliseconds wait) {
  const std::lock_guard lock{mutex_};
  until_ = std::max(until_, steady_clock::now() + wait);
  if (!why_.empty()) return;
  why_ = why.detail.substr(0, why.detail.find(';')); // How long it asks to wait changes each time.
  if (why_.empty()) why_ = "a quota is used up";
  waiter_.wake();
}

std::optional<std::string> quota_notice::take() {
  const std::lock_guard lock{mutex_};
  if (told_ || why_.empty()) return std::nullopt;
  told_ = true;
  return "held up: " + why_ + "; Ctrl-C gives up\n";
}

bool quota_notice::holds() const {
  const std::lock_guard lock{mutex_};
  return steady_clock::now() < until_;
}

} // namespace carafe::shell
