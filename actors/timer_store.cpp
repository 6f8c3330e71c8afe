#include "actors/timer_store.hpp"

#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <utility>

namespace carafe {

namespace {

/// What one request may look at and answer: others wait meanwhile. Who wants more asks again.
constexpr std::size_t scan_max = 50'000;
constexpr std::size_t rows_max = 4'096;
constexpr std::uint64_t bytes_max = 8u << 20;

timer_rows shared(storage::timer_index::found found) {
  timer_rows out;
  out.whole = found.whole;
  out.end = found.end;
  out.rows.reserve(found.rows.size());
  for (auto& row : found.rows)
    out.rows.push_back(std::make_shared<const timer_record>(std::move(row)));
  return out;
}

result<timer_rows> told_rows(result<storage::timer_index::found> found) {
  if (!found) return found.error();
  return shared(std::move(*found));
}

/// By name, of the first of the queues: who asks goes from one to the next.
result<timer_rows> find(const storage::timer_index& index, const core::timer_query& query) {
  if (query.name)
    return told_rows(index.with_name(query.queues.front(), *query.name, query.after, query.until,
                                     rows_max, bytes_max));
  auto rows = index.with_id(query.producer, query.sequence);
  if (!rows) return rows.error();
  return shared({std::move(*rows)});
}

template <class Answer>
caf::result<Answer> told(result<Answer> answer) {
  if (answer) return std::move(*answer);
  logging::error("timers", answer.error().message());
  return to_caf(answer.error());
}

} // namespace

timer_store_actor::behavior_type
timer_store(timer_store_actor::stateful_pointer<timer_store_state> self,
            std::filesystem::path folder, storage::timer_runs::options runs) {
  auto opened = storage::timer_index::open(folder, runs);
  if (opened) {
    self->state.index = std::move(*opened);
  } else {
    logging::error("timers", opened.error().message());
    self->quit(to_caf(opened.error()));
  }
  return {
    [self](load_atom, const core::timer_core::load& what) {
      return told(
        told_rows(self->state.index->next(what.after, what.until, what.rows_max, what.bytes_max)));
    },
    [self](find_atom, const core::timer_query& query) {
      return told(find(*self->state.index, query));
    },
    [self](list_atom, const timer_page& page) {
      return told(told_rows(
        self->state.index->next_of(page.queues, page.after, rows_max, bytes_max, scan_max)));
    },
    [self](save_atom, const timer_flush& what) -> caf::result<caf::ok_atom> {
      std::vector<const timer_record*> put;
      put.reserve(what.put.size());
      for (const auto& row : what.put) put.push_back(row.get());
      auto ok = self->state.index->change(put, what.ended);
      if (!ok) return to_caf(ok.error());
      return caf::ok_atom::value;
    },
    [self](backup_atom) { return timer_handle{self->state.index}; },
  };
}

} // namespace carafe
