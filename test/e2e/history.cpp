#include "test/e2e/history.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

namespace carafe::test {

namespace {

std::string text(message_name m) {
  return std::to_string(m.producer) + ":" + std::to_string(m.number);
}

struct place {
  queue_number queue;
  offset at;

  friend auto operator<=>(const place&, const place&) = default;
};

std::string text(place p) {
  return "queue " + std::to_string(p.queue.value) + ", offset " + std::to_string(p.at.value);
}

std::string text(reader r) {
  return (r.as == reader::kind::alone ? "reader " : "group ") + std::to_string(r.number);
}

/// What is known of one message.
struct known_message {
  std::optional<queue_number> to = {};
  std::optional<place> stored = {};
  bool acknowledged = false;
  bool refused = false;
  bool delivered = false;
};

/// Takes one event after another, then looks at the whole.
class checker {
public:
  /// @returns The broken rule, or an empty text.
  std::string take(const event& e) {
    return std::visit([this](const auto& what) { return on(what); }, e);
  }

  std::optional<violation> finish(std::size_t events) const {
    if (auto v = find_gap(events)) return v;
    if (auto v = find_disorder(events)) return v;
    for (const auto& [name, m] : messages_)
      if (m.acknowledged && !m.delivered)
        return violation{events,
                         text(name) + " was acknowledged at " + text(*m.stored) + " and is lost",
                         m.stored->queue};
    return std::nullopt;
  }

private:
  std::string on(const events::sent& e) {
    const bool is_new = messages_.emplace(e.what, known_message{.to = e.to}).second;
    return is_new ? "" : text(e.what) + " was sent twice by the test itself";
  }

  std::string on(const events::acknowledged& e) {
    auto at = messages_.find(e.what);
    if (at == messages_.end()) return text(e.what) + " was acknowledged and never sent";
    if (at->second.acknowledged) return text(e.what) + " was acknowledged twice";
    if (at->second.refused) return text(e.what) + " was refused and then acknowledged";
    at->second.acknowledged = true;
    return stored(e.what, at->second, {e.queue, e.at});
  }

  std::string on(const events::refused& e) {
    auto at = messages_.find(e.what);
    if (at == messages_.end()) return text(e.what) + " was refused and never sent";
    if (at->second.stored) return text(e.what) + " was stored and then refused";
    at->second.refused = true;
    return "";
  }

  std::string on(const events::delivered& e) {
    auto at = messages_.find(e.what);
    if (at == messages_.end()) return text(e.what) + " was delivered and never sent";
    if (at->second.refused) return text(e.what) + " was refused and then delivered";
    at->second.delivered = true;
    if (auto wrong = stored(e.what, at->second, {e.queue, e.at}); !wrong.empty()) return wrong;
    return in_turn(e);
  }

  /// A message has one place, a place one message.
  std::string stored(message_name name, known_message& m, place p) {
    if (m.to && *m.to != p.queue)
      return text(name) + " was sent to queue " + std::to_string(m.to->value) + " and is at " +
             text(p);
    if (m.stored && *m.stored != p)
      return text(name) + " is at " + text(*m.stored) + " and at " + text(p);
    m.stored = p;
    const auto holder = places_.emplace(p, name).first->second;
    if (holder != name) return text(p) + " holds both " + text(holder) + " and " + text(name);
    return "";
  }

  std::string in_turn(const events::delivered& e) {
    auto& next = next_[{e.to, e.queue}];
    const bool alone = e.to.as == reader::kind::alone;
    if (alone ? e.at != next : e.at > next)
      return text(e.to) + " got offset " + std::to_string(e.at.value) + " of queue " +
             std::to_string(e.queue.value) + " where " + std::to_string(next.value) +
             " was its turn";
    next = std::max(next, e.at + 1);
    return "";
  }

  [[nodiscard]] std::optional<violation> find_gap(std::size_t events) const {
    std::optional<place> before;
    for (const auto& [p, name] : places_) {
      const bool same = before && before->queue == p.queue;
      const auto expected = same ? before->at + 1 : offset{0};
      if (p.at != expected)
        return violation{events,
                         "nothing is at " + text(place{p.queue, expected}) + ", but something at " +
                           text(p),
                         p.queue};
      before = p;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<violation> find_disorder(std::size_t events) const {
    std::map<std::pair<queue_number, std::uint32_t>, std::uint64_t> last;
    for (const auto& [p, name] : places_) {
      auto& before = last[{p.queue, name.producer}];
      if (name.number <= before)
        return violation{events,
                         text(name) + " is at " + text(p) + ", after " +
                           text(message_name{name.producer, before}),
                         p.queue};
      before = name.number;
    }
    return std::nullopt;
  }

  std::map<message_name, known_message> messages_;
  std::map<place, message_name> places_;
  std::map<std::pair<reader, queue_number>, offset> next_;
};

std::optional<queue_number> queue_of(const event& e) {
  return std::visit(
    [](const auto& what) -> std::optional<queue_number> {
      using kind = std::decay_t<decltype(what)>;
      if constexpr (std::is_same_v<kind, events::sent>)
        return what.to;
      else if constexpr (std::is_same_v<kind, events::refused>)
        return std::nullopt;
      else
        return what.queue;
    },
    e);
}

} // namespace

std::string to_string(const event& e) {
  struct names {
    std::string operator()(const events::sent& x) const {
      return "sent " + text(x.what) + (x.to ? " to queue " + std::to_string(x.to->value) : "");
    }
    std::string operator()(const events::acknowledged& x) const {
      return "acknowledged " + text(x.what) + " at " + text(place{x.queue, x.at});
    }
    std::string operator()(const events::refused& x) const { return "refused " + text(x.what); }
    std::string operator()(const events::delivered& x) const {
      return "delivered " + text(x.what) + " from " + text(place{x.queue, x.at}) + ", to " +
             text(x.to);
    }
  };
  return std::visit(names{}, e);
}

std::optional<violation> find_violation(std::span<const event> history) {
  checker check;
  for (std::size_t i = 0; i < history.size(); ++i)
    if (auto rule = check.take(history[i]); !rule.empty())
      return violation{i, std::move(rule), queue_of(history[i])};
  return check.finish(history.size());
}

std::string describe(const violation& v, std::span<const event> history) {
  constexpr std::size_t shown = 12;
  std::vector<std::size_t> around;
  const auto end = std::min(history.size(), v.at + 3);
  for (auto i = end; i > 0 && around.size() < shown; --i)
    if (i - 1 == v.at || !v.queue || queue_of(history[i - 1]) == v.queue) around.push_back(i - 1);
  std::string out = v.rule + "\n" + std::to_string(history.size()) + " events, of these:\n";
  for (auto i = around.rbegin(); i != around.rend(); ++i)
    out += (*i == v.at ? "> #" : "  #") + std::to_string(*i) + " " + to_string(history[*i]) + "\n";
  return out;
}

} // namespace carafe::test
