#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace carafe::core {

/// Holds demand for bytes back, which its owner passes on in portions, as a quota lets it: first
/// come, first served, a portion each.
///
/// It knows what was passed on and not delivered yet, so that the quota is paid for what is
/// delivered, and for nothing twice.
template <class Key>
class pacer {
public:
  struct portion {
    Key to;
    std::uint64_t bytes = 0;
  };
  /// To be told to whom the demand came from: `returned` bytes of it are back, and the reader waits
  /// for `bytes` at once; 0: for news.
  struct question {
    std::uint64_t bytes = 0;
    std::uint64_t returned = 0;
  };
  struct answer {
    /// Of what was passed on, so much comes back unused.
    std::uint64_t unused = 0;
    /// Nothing: what is held is enough.
    std::optional<question> upstream;
  };

  /// How large a portion is from now on.
  void portions_of(std::uint64_t bytes) { portion_ = std::max<std::uint64_t>(bytes, 1); }

  /// Nothing was ever held back for any that is still there.
  [[nodiscard]] bool unused() const noexcept { return accounts_.empty(); }

  void add(Key key, std::uint64_t bytes) {
    auto& it = accounts_[key];
    it.held += bytes;
    wait(key, it);
  }

  /// @returns What was delivered beyond what was passed on.
  std::uint64_t delivered(Key key, std::uint64_t bytes) {
    const auto at = accounts_.find(key);
    if (at == accounts_.end()) return bytes;
    const auto expected = std::min(at->second.passed, bytes);
    at->second.passed -= expected;
    wait(key, at->second);
    return bytes - expected;
  }

  /// The reader gives `returned` bytes back, which is all that it has, and waits for `bytes`.
  answer wants(Key key, std::uint64_t bytes, std::uint64_t returned) {
    auto& it = accounts_[key];
    answer out;
    out.unused = std::min(it.passed, returned);
    it.passed -= out.unused;
    if (bytes == 0) {
      out.upstream = question{0, returned};
    } else if (it.held + returned >= bytes) {
      it.held += returned;
      it.needs = bytes;
    } else {
      out.upstream = question{bytes, it.held + returned};
      it.held = 0;
      it.needs = bytes;
    }
    wait(key, it);
    return out;
  }

  /// @returns What was passed on to it and not delivered.
  std::uint64_t remove(Key key) {
    const auto at = accounts_.find(key);
    if (at == accounts_.end()) return 0;
    const auto unused = at->second.passed;
    if (at->second.waits) std::erase(turns_, key);
    accounts_.erase(at);
    return unused;
  }

  /// Whose turn it is; `pass` it on, or ask again later.
  std::optional<portion> next() {
    while (!turns_.empty()) {
      const auto key = turns_.front();
      auto& it = accounts_.at(key);
      if (due(it)) return portion{key, std::min(it.held, std::max(it.needs, portion_))};
      it.waits = false;
      turns_.pop_front();
    }
    return std::nullopt;
  }

  /// @pre `next` has just given it.
  void pass(const portion& what) {
    auto& it = accounts_.at(what.to);
    turns_.pop_front();
    it.waits = false;
    it.held -= what.bytes;
    it.passed += what.bytes;
    it.needs = 0;
    wait(what.to, it);
  }

private:
  struct account {
    std::uint64_t held = 0;
    /// Passed on and not delivered.
    std::uint64_t passed = 0;
    /// Less would come back.
    std::uint64_t needs = 0;
    bool waits = false;
  };

  /// One that has a portion and does not use it must not take another.
  [[nodiscard]] bool due(const account& it) const {
    return it.held > 0 && (it.needs > 0 || it.passed * 2 < portion_);
  }

  void wait(Key key, account& it) {
    if (it.waits || !due(it)) return;
    it.waits = true;
    turns_.push_back(key);
  }

  std::uint64_t portion_ = 1u << 16;
  std::map<Key, account> accounts_;
  std::deque<Key> turns_;
};

} // namespace carafe::core
