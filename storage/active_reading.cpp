#include "storage/active_segment.hpp"

#include <algorithm>
#include <fcntl.h>

namespace carafe::storage {

namespace {

class active_snapshot final : public segment_snapshot {
public:
  active_snapshot(lmdb::txn state, const lmdb::env& env) : state_(std::move(state)), env_(env) {}

  result<std::unique_ptr<table_cursor>> open(segment_table table) const override;

private:
  lmdb::txn state_;
  const lmdb::env& env_;
};

class active_cursor final : public table_cursor {
public:
  explicit active_cursor(lmdb::cursor at) : at_(std::move(at)) {}

  result<bool> first() override { return took(at_.first()); }
  result<bool> last() override { return took(at_.last()); }
  result<bool> next() override { return took(at_.next()); }
  result<bool> previous() override { return took(at_.previous()); }
  result<bool> seek(std::span<const std::byte> key) override { return took(at_.seek(key)); }

  [[nodiscard]] std::span<const std::byte> key() const override { return here_->key; }
  [[nodiscard]] std::size_t value_bytes() const override { return here_->value.size(); }
  result<void> read_value(std::span<std::byte> out) const override {
    CARAFE_ASSERT(out.size() <= here_->value.size());
    std::copy_n(here_->value.begin(), out.size(), out.begin());
    return {};
  }

private:
  result<bool> took(result<std::optional<lmdb::entry_view>> moved) {
    if (!moved) return moved.error();
    here_ = *moved;
    return here_.has_value();
  }

  lmdb::cursor at_;
  std::optional<lmdb::entry_view> here_;
};

result<std::unique_ptr<table_cursor>> active_snapshot::open(segment_table table) const {
  auto at = state_.open_cursor(env_.table_at(table));
  if (!at) return at.error();
  return std::unique_ptr<table_cursor>{std::make_unique<active_cursor>(std::move(*at))};
}

} // namespace

std::uint64_t active_segment::used_bytes() const {
  return (env_->used().last_page + 1) * page_bytes;
}

result<std::unique_ptr<segment_snapshot>> active_segment::snapshot() const {
  auto state = env_->begin_read();
  if (!state) return state.error();
  return std::unique_ptr<segment_snapshot>{
    std::make_unique<active_snapshot>(std::move(*state), *env_)};
}

result<std::uint64_t> active_segment::copy_to(const std::filesystem::path& to) const {
  auto out = file::open(to / segment_name(first()), O_WRONLY | O_CREAT | O_EXCL);
  if (!out) return out.error();
  if (auto done = env_->copy_to(out->descriptor()); !done) return done.error();
  if (auto done = out->sync(); !done) return done.error();
  return out->size();
}

} // namespace carafe::storage
