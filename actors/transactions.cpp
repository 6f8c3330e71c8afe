#include "actors/transactions.hpp"

#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <utility>

namespace carafe {

namespace {

using self_pointer = transactions_pointer;
using core::transaction_core;

/// Of one look; the rest is asked for by the next.
constexpr std::size_t checks_at_once = 1'000;
/// The longest and the shortest time between two looks.
constexpr std::uint64_t look_ms = 10'000;
constexpr std::uint64_t gather_ms = 10;
/// After a refusal.
constexpr std::uint64_t retry_ms = 200;
/// After a check that could not be counted, as on a full disk; its producer was asked all the same.
constexpr std::uint64_t ask_again_ms = 5'000;
constexpr std::uint32_t listed_max = 10'000;
/// Producer groups that one connection answers for.
constexpr std::uint32_t groups_max = 64;

void look_in(self_pointer self, std::uint64_t ms) {
  auto& s = self->state;
  const auto at = mono_ms{s.clocks->monotonic().value + ms};
  if (s.tick_at && *s.tick_at <= at) return;
  s.tick_at = at;
  self->delayed_send(self, std::chrono::milliseconds{ms}, tick_atom_v);
}

/// As the shell writes and takes it.
std::string text_of(const transaction_name& name) {
  char text[48] = {};
  std::snprintf(text, sizeof text, "%u-%016" PRIx64 "-%" PRIu64, unsigned{name.shard.value},
                name.id.producer.value, name.id.number);
  return text;
}

// -- check-back -----------------------------------------------------------------------------------

/// That they were asked is written first to last, an entry a shard.
void count_checks(self_pointer self, shard_id shard,
                  const std::vector<transaction_core::check>& asked) {
  effect_list wish;
  for (const auto& each : asked) {
    effects::tx_prepared counted;
    counted.id = each.transaction.id;
    counted.checks = each.checks;
    wish.effects.emplace_back(std::move(counted));
  }
  self->request(self->state.shards.at(shard), caf::infinite, write_atom_v, std::move(wish))
    .then([](entry_index) {}, // The log's news say so.
          [self, asked](const caf::error&) {
            auto& s = self->state;
            const auto again =
              unix_ms{s.clocks->wall().value + static_cast<std::int64_t>(ask_again_ms)};
            for (const auto& each : asked) s.core.not_asked(each.transaction, again);
            look_in(self, ask_again_ms);
          });
}

void ask_producers(self_pointer self) {
  auto& s = self->state;
  std::map<shard_id, std::vector<transaction_core::check>> by_shard;
  for (auto& each : s.core.due(s.clocks->wall(), checks_at_once)) {
    if (each.whom)
      self->send(s.producers.at(*each.whom).session, check_atom_v,
                 frames::tx_check{each.transaction, each.group, each.checks});
    if (each.checks == transaction_checks_max)
      logging::warning("transactions", text_of(each.transaction) + " of " + each.group +
                                         " is asked for the last time; then it is held");
    by_shard[each.transaction.shard].push_back(std::move(each));
  }
  for (const auto& [shard, asked] : by_shard) count_checks(self, shard, asked);
}

// -- parts ----------------------------------------------------------------------------------------

void move_parts(self_pointer self);

void move_failed(self_pointer self, const transaction_core::move& what, const failure& why) {
  logging::debug("transactions", "parts of shard " + std::to_string(what.from.value) +
                                   " for shard " + std::to_string(what.to.value) +
                                   " wait: " + why.message());
  self->state.core.moved(what);
  look_in(self, retry_ms);
}

/// The coordinator forgets what was taken.
void confirm(self_pointer self, const transaction_core::move& what, std::uint64_t serial) {
  effect_list wish;
  wish.effects.emplace_back(effects::tx_applied{what.from, what.to, serial, true});
  self->request(self->state.shards.at(what.from), caf::infinite, write_atom_v, std::move(wish))
    .then(
      [self, what](entry_index) {
        self->state.core.moved(what);
        move_parts(self);
      },
      [self, what](const caf::error& why) { move_failed(self, what, from_caf(why)); });
}

void tell_groups(self_pointer self, const std::vector<consumed_messages>& consumed) {
  if (!consumed.empty()) self->send(self->state.catalogue, settle_atom_v, tx_settled{consumed});
}

void move(self_pointer self, const transaction_core::move& what) {
  auto& s = self->state;
  const auto failed = [self, what](const caf::error& why) {
    move_failed(self, what, from_caf(why));
  };
  const auto to = s.shards.find(what.to);
  if (to == s.shards.end()) // It is being opened, or its folder is missing.
    return move_failed(self, what, {errc::shard_unavailable, "it is not open"});
  self->request(s.shards.at(what.from), caf::infinite, load_atom_v, what.to)
    .then(
      [self, what, target = to->second, failed](const tx_parts& parts) {
        if (parts.parts.empty()) return self->state.core.moved(what);
        const auto serial = parts.parts.back().serial;
        self->request(target, caf::infinite, apply_atom_v, parts)
          .then(
            [self, what, serial](const tx_done& done) {
              tell_groups(self, done.consumed);
              confirm(self, what, serial);
            },
            failed);
      },
      failed);
}

void move_parts(self_pointer self) {
  for (const auto& what : self->state.core.begin_moves()) move(self, what);
}

void pump(self_pointer self) {
  auto& s = self->state;
  ask_producers(self);
  move_parts(self);
  auto wait = look_ms;
  if (const auto next = s.core.next()) {
    const auto left = std::max<std::int64_t>(next->value - s.clocks->wall().value, 0);
    wait = std::min(wait, static_cast<std::uint64_t>(left));
  }
  look_in(self, std::max(wait, gather_ms));
}

// -- what clients ask for -------------------------------------------------------------------------

void learn(self_pointer self, const tx_news& news) {
  auto& s = self->state;
  s.counts[news.shard] = news.counts;
  for (const auto& record : news.changed) s.core.learn(news.shard, record);
  for (const auto& id : news.gone) s.core.forget({news.shard, id});
  pump(self);
}

void forget_producer(self_pointer self, const caf::actor_addr& source) {
  auto& s = self->state;
  std::erase_if(s.producers, [&](const auto& each) {
    if (each.second.session.address() != source) return false;
    s.core.leave(each.first);
    return true;
  });
}

caf::result<caf::ok_atom> on_join(self_pointer self, const frames::tx_join& wish,
                                  const session_actor& session) {
  auto& s = self->state;
  auto at = std::ranges::find_if(s.producers,
                                 [&](const auto& each) { return each.second.session == session; });
  if (wish.leave) {
    if (at == s.producers.end() || !s.core.has(wish.group, at->first)) return caf::ok_atom::value;
    s.core.leave(wish.group, at->first);
    if (--at->second.groups > 0) return caf::ok_atom::value;
    s.watched.remove(self, session.address());
    s.producers.erase(at);
    return caf::ok_atom::value;
  }
  if (at == s.producers.end()) {
    s.watched.add(self, session);
    at = s.producers.emplace(++s.last_producer, transactions_state::producer{session}).first;
  }
  if (s.core.has(wish.group, at->first)) return caf::ok_atom::value;
  if (at->second.groups >= groups_max)
    return to_caf({errc::too_many_groups, "a connection answers for at most " +
                                            std::to_string(groups_max) + " producer groups"});
  ++at->second.groups;
  s.core.join(wish.group, at->first);
  return caf::ok_atom::value;
}

caf::result<caf::ok_atom> on_end(self_pointer self, const frames::tx_end& wish) {
  auto& s = self->state;
  const auto shard = s.shards.find(wish.transaction.shard);
  if (shard == s.shards.end())
    return to_caf(
      {errc::tx_unknown, "there is no shard " + std::to_string(wish.transaction.shard.value)});
  if (wish.outcome == frames::tx_outcome::unknown) return caf::ok_atom::value;
  auto promise = self->make_response_promise<caf::ok_atom>();
  const bool commit = wish.outcome == frames::tx_outcome::commit;
  self->request(shard->second, caf::infinite, finish_atom_v, wish.transaction.id, commit)
    .then(
      [self, promise](const tx_done& done) mutable {
        // The groups' actors hear of it before whoever waits for the answer can do more; so they do
        // of what another request has committed just before.
        self
          ->request(self->state.catalogue, caf::infinite, settle_atom_v, tx_settled{done.consumed})
          .then([promise]() mutable { promise.deliver(caf::ok_atom::value); },
                [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
      },
      [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

frames::pending_transaction view_of(const transaction_name& name,
                                    const transaction_record& record) {
  frames::pending_transaction out;
  out.transaction = name;
  out.group = record.group;
  out.opened = record.opened;
  out.messages = record.messages;
  out.bytes = record.bytes;
  for (const auto& each : record.consumed)
    for (const auto& range : each.ranges) out.consumed += range.count;
  out.checks = record.checks;
  out.next_check = transaction_core::next_check(record).value_or(unix_ms{0});
  out.owes = record.owes;
  if (record.state != transaction_state::open)
    out.state = frames::tx_state::committed;
  else if (record.checks >= transaction_checks_max)
    out.state = frames::tx_state::held;
  return out;
}

frames::txs list(const transactions_state& s, const frames::tx_list& wish) {
  frames::txs out;
  const auto& all = s.core.pending();
  const std::size_t limit = wish.limit == 0 ? listed_max : std::min(wish.limit, listed_max);
  auto at = wish.after.id.producer.value == 0 ? all.begin() : all.upper_bound(wish.after);
  for (; at != all.end() && out.transactions.size() < limit; ++at)
    out.transactions.push_back(view_of(at->first, at->second));
  out.total = all.size();
  for (const auto& [shard, counts] : s.counts) {
    out.prepared += counts.prepared;
    out.committed += counts.committed;
    out.rolled_back += counts.rolled_back;
  }
  for (const auto& [name, record] : all)
    if (record.state == transaction_state::open) out.pending += record.messages;
  return out;
}

void open_shard(self_pointer self, shard_id id, const shard_actor& shard) {
  self->state.shards[id] = shard;
  self->request(shard, caf::infinite, watch_atom_v, tx_watcher_actor{transactions_actor{self}})
    .then([self](const tx_news& news) { learn(self, news); },
          [](const caf::error&) {}); // It has ended, and the node with it.
}

} // namespace

transactions_actor::behavior_type transactions(self_pointer self, catalogue_actor catalogue,
                                               std::shared_ptr<const clock> clocks) {
  auto& s = self->state;
  s.catalogue = std::move(catalogue);
  s.clocks = std::move(clocks);
  self->set_down_handler([self](const caf::down_msg& down) {
    self->state.watched.ended(down.source);
    forget_producer(self, down.source);
  });
  return {
    [self](news_atom, const tx_news& news) { learn(self, news); },
    [self](open_shard_atom, shard_id id, const shard_actor& shard) { open_shard(self, id, shard); },
    [self](join_atom, const frames::tx_join& wish, const session_actor& session) {
      return on_join(self, wish, session);
    },
    [self](finish_atom, const frames::tx_end& wish) { return on_end(self, wish); },
    [self](list_atom, const frames::tx_list& wish) { return list(self->state, wish); },
    [self](actors_atom) {
      const auto waiting = static_cast<std::uint32_t>(self->mailbox().size());
      return frames::node_actor_list{{{"transactions", "scheduled", waiting}}};
    },
    [self](tick_atom) {
      self->state.tick_at.reset();
      pump(self);
    },
  };
}

} // namespace carafe
