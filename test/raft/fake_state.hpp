#pragma once

/// A state store in memory that fails on demand.

#include "storage/state_store.hpp"

#include <map>
#include <optional>
#include <string>

namespace carafe::test {

/// What a process that was killed has not done yet, it never does.
inline failure killed() { return {errc::storage_failed, "the process was killed"}; }

class fake_state final : public storage::state_store {
public:
  errc save_fails = errc::none;
  /// As the log's.
  bool gone = false;

  [[nodiscard]] result<storage::vote> load_vote() const override { return vote_; }
  result<void> save_vote(storage::vote v) override {
    if (gone) return killed();
    vote_ = v;
    return {};
  }
  [[nodiscard]] result<std::optional<storage::checkpoint_mark>> load_mark() const override {
    return mark_;
  }
  result<void>
  load_rows(const std::function<void(std::string_view, std::string_view)>& row) const override {
    for (const auto& [key, value] : rows_) row(key, value);
    return {};
  }
  result<void> save_checkpoint(const storage::checkpoint_mark& mark,
                               const std::vector<storage::state_delta>& deltas) override {
    if (gone) return killed();
    if (save_fails != errc::none) return {save_fails, "injected"};
    for (const auto& delta : deltas) {
      if (delta.value)
        rows_[delta.key] = *delta.value;
      else
        rows_.erase(delta.key);
    }
    mark_ = mark;
    return {};
  }
  result<std::uint64_t> copy_to(const std::string&) const override {
    return {errc::unsupported, "in memory"};
  }

private:
  storage::vote vote_;
  std::optional<storage::checkpoint_mark> mark_;
  std::map<std::string, std::string> rows_;
};

} // namespace carafe::test
