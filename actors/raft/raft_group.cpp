#include "actors/raft/raft_group.hpp"

extern "C" {
#include <raft.h>
}

#include <algorithm>
#include <cstring>

static_assert(RAFT_VERSION_NUMBER == 2201, "another libraft's header is in front of ours");

namespace carafe::raft {

namespace {

/// `configurationDecode` of libraft checks no bounds: format byte, count, then per server id,
/// NUL-terminated address, role byte.
bool well_formed(std::string_view bytes) {
  if (bytes.size() < 9 || bytes.front() != 1) return false;
  std::uint64_t count = 0;
  std::memcpy(&count, bytes.data() + 1, 8);
  if (count == 0 || count > 1024) return false;
  std::size_t at = 9;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bytes.size() - at < 8) return false;
    std::uint64_t id = 0;
    std::memcpy(&id, bytes.data() + at, 8);
    at += 8;
    const auto end = bytes.find('\0', at);
    if (id == 0 || end == std::string_view::npos || end + 1 >= bytes.size()) return false;
    if (static_cast<unsigned char>(bytes[end + 1]) > RAFT_SPARE) return false;
    at = end + 2;
  }
  return true;
}

std::string encode(const raft_configuration& configuration) {
  raft_buffer buffer{};
  CARAFE_ASSERT(raft_configuration_encode(&configuration, &buffer) == 0);
  std::string out(static_cast<const char*>(buffer.base), buffer.len);
  raft_free(buffer.base);
  return out;
}

result<void> decode(const std::string& bytes, raft_configuration& out) {
  raft_configuration_init(&out);
  if (!well_formed(bytes)) return {errc::storage_corrupt, "a stored Raft configuration"};
  raft_buffer buffer{const_cast<char*>(bytes.data()), bytes.size()};
  if (raft_configuration_decode(&buffer, &out) != 0)
    return {errc::storage_corrupt, "a stored Raft configuration"};
  return {};
}

bool decodes(const std::string& bytes) {
  raft_configuration configuration;
  if (!decode(bytes, configuration)) return false;
  raft_configuration_close(&configuration);
  return true;
}

/// libraft asserts what it expects of the log that it starts with, and cannot fail to start without
/// freeing what is not its own: whatever it would not take is refused before.
result<void> check(const start_state& state) {
  carafe::term before{1};
  if (state.mark) {
    const auto& mark = *state.mark;
    if (mark.index.value == 0 || mark.term < before || mark.configuration_index > mark.index ||
        !decodes(mark.configuration))
      return {errc::storage_corrupt, "the checkpoint's mark"};
    before = mark.term;
  } else if (!state.entries.empty() && state.entries.front().kind != entry_kind::change) {
    return {errc::storage_corrupt, "entry 1 is not a Raft configuration"};
  }
  auto index = state.mark ? state.mark->index : entry_index{0};
  for (const auto& meta : state.entries) {
    index = index + 1;
    const auto name = "entry " + std::to_string(index.value);
    if (meta.term < before)
      return {errc::storage_corrupt, name + " is of an older term than the one before it"};
    if (meta.kind == entry_kind::change && !decodes(meta.configuration))
      return {errc::storage_corrupt, name + " is not a Raft configuration"};
    before = meta.term;
  }
  if (before > state.vote.term)
    return {errc::storage_corrupt, "the log is of term " + std::to_string(before.value) +
                                     ", the recorded term is " +
                                     std::to_string(state.vote.term.value)};
  return {};
}

raft_entry_type type_of(entry_kind kind) {
  switch (kind) {
  case entry_kind::command:
    return RAFT_COMMAND;
  case entry_kind::barrier:
    return RAFT_BARRIER;
  case entry_kind::change:
    return RAFT_CHANGE;
  }
  return RAFT_COMMAND;
}

} // namespace

struct raft_group::impl {
  struct ::raft raft {};
  raft_time now = 0;
  std::vector<raft_entry> entries;
};

std::string raft_group::sole_voter_configuration(std::uint64_t node, const std::string& address) {
  raft_configuration configuration;
  raft_configuration_init(&configuration);
  CARAFE_ASSERT(raft_configuration_add(&configuration, node, address.c_str(), RAFT_VOTER) == 0);
  auto bytes = encode(configuration);
  raft_configuration_close(&configuration);
  return bytes;
}

raft_group::raft_group(std::uint64_t node, const std::string& address, unsigned seed)
  : impl_(std::make_unique<impl>()) {
  auto* r = &impl_->raft;
  CARAFE_ASSERT(raft_init(r, nullptr, nullptr, node, address.c_str()) == 0);
  raft_seed(r, seed);
  r->tracer = nullptr; // The default one shares a static buffer between instances.
  raft_set_pre_vote(r, true);
  raft_set_max_inflight_entries(r, 4096);
  raft_set_capacity_threshold(r, 0);
}

raft_group::~raft_group() { raft_close(&impl_->raft, nullptr); }

result<step_outcome> raft_group::step(raft_event& event, raft_update& update) {
  auto* r = &impl_->raft;
  CARAFE_ASSERT(event.time >= impl_->now);
  impl_->now = event.time;
  const int rv = raft_step(r, &event, &update);
  if (rv == RAFT_NOTLEADER) return errc::not_leader;
  if (rv != 0) return {errc::internal, std::string{"libraft: "} + raft_errmsg(r)};
  // A sole voter talks to nobody and never changes its term or vote while it runs.
  CARAFE_ASSERT((update.flags & RAFT_UPDATE_MESSAGES) == 0 || update.messages.n == 0);
  CARAFE_ASSERT((update.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) == 0 ||
                event.type == RAFT_START);
  return step_outcome{commit_index(), is_leader(), current_term()};
}

result<step_outcome> raft_group::start(const start_state& state, mono_ms now) {
  if (auto ok = check(state); !ok) return ok.error();
  raft_event event{};
  event.time = now.value;
  event.type = RAFT_START;
  event.start.term = state.vote.term.value;
  event.start.voted_for = state.vote.voted_for;

  raft_snapshot_metadata metadata{};
  entry_index first{1};
  if (state.mark) {
    metadata.index = state.mark->index.value;
    metadata.term = state.mark->term.value;
    metadata.configuration_index = state.mark->configuration_index.value;
    if (auto ok = decode(state.mark->configuration, metadata.configuration); !ok) return ok.error();
    event.start.metadata = &metadata;
    first = state.mark->index + 1;
  }
  event.start.start_index = first.value;

  raft_entry* entries = nullptr;
  if (!state.entries.empty()) {
    // libraft frees this array if the start fails; it is ours if it succeeds.
    entries = static_cast<raft_entry*>(raft_malloc(sizeof(raft_entry) * state.entries.size()));
    CARAFE_ASSERT(entries != nullptr);
    for (std::size_t i = 0; i < state.entries.size(); ++i) {
      const auto& meta = state.entries[i];
      entries[i] = raft_entry{};
      entries[i].term = meta.term.value;
      entries[i].type = type_of(meta.kind);
      entries[i].buf.base = const_cast<char*>(meta.configuration.data());
      entries[i].buf.len = meta.configuration.size();
    }
  }
  event.start.entries = entries;
  event.start.n_entries = static_cast<unsigned>(state.entries.size());
  raft_update update{};
  auto outcome = step(event, update);
  if (outcome && entries != nullptr) raft_free(entries);
  return outcome;
}

result<entry_index> raft_group::submit(std::size_t count, mono_ms now) {
  CARAFE_ASSERT(count > 0);
  static char payload_elsewhere; // libraft wants a batch pointer; payloads never enter it.
  auto& entries = impl_->entries;
  entries.assign(count, raft_entry{});
  for (auto& entry : entries) {
    entry.term = raft_current_term(&impl_->raft);
    entry.type = RAFT_COMMAND;
    entry.batch = &payload_elsewhere;
  }
  const auto first = last_index() + 1;
  raft_event event{};
  event.time = now.value;
  event.type = RAFT_SUBMIT;
  event.submit.entries = entries.data();
  event.submit.n = static_cast<unsigned>(count);
  raft_update update{};
  auto outcome = step(event, update);
  if (!outcome) return outcome.error();
  CARAFE_ASSERT((update.flags & RAFT_UPDATE_ENTRIES) != 0);
  CARAFE_ASSERT(update.entries.index == first.value && update.entries.n == count);
  return first;
}

result<step_outcome> raft_group::persisted(entry_index last, mono_ms now) {
  raft_event event{};
  event.time = now.value;
  event.type = RAFT_PERSISTED_ENTRIES;
  event.persisted_entries.index = last.value;
  raft_update update{};
  return step(event, update);
}

result<step_outcome> raft_group::tick(mono_ms now) {
  raft_event event{};
  event.time = now.value;
  event.type = RAFT_TIMEOUT;
  raft_update update{};
  return step(event, update);
}

mono_ms raft_group::timeout() const {
  // Never sooner than 10 ms: a demoted spare would spin its leader.
  return mono_ms{std::max<std::uint64_t>(raft_timeout(&impl_->raft), impl_->now + 10)};
}

result<void> raft_group::snapshot(entry_index index, entry_index first_retained, mono_ms now) {
  CARAFE_ASSERT(first_retained.value <= index.value + 1);
  raft_event event{};
  event.time = now.value;
  event.type = RAFT_SNAPSHOT;
  event.snapshot.metadata.index = index.value;
  event.snapshot.metadata.term = current_term().value;
  event.snapshot.metadata.configuration_index = impl_->raft.configuration_committed_index;
  // Taken over by libraft.
  if (auto ok = decode(configuration(), event.snapshot.metadata.configuration); !ok)
    return ok.error();
  event.snapshot.trailing = static_cast<unsigned>(
    std::min<std::uint64_t>(index.value + 1 - first_retained.value, UINT32_MAX));
  raft_update update{};
  auto outcome = step(event, update);
  if (!outcome) return outcome.error();
  return {};
}

carafe::term raft_group::current_term() const {
  return carafe::term{raft_current_term(&impl_->raft)};
}

bool raft_group::is_leader() const { return raft_state(&impl_->raft) == RAFT_LEADER; }

entry_index raft_group::commit_index() const {
  return entry_index{raft_commit_index(&impl_->raft)};
}

entry_index raft_group::last_index() const { return entry_index{raft_last_index(&impl_->raft)}; }

std::string raft_group::configuration() const {
  const auto& r = impl_->raft;
  if (r.configuration_committed.n > 0) return encode(r.configuration_committed);
  return encode(r.configuration);
}

entry_index raft_group::configuration_index() const {
  return entry_index{impl_->raft.configuration_committed_index};
}

} // namespace carafe::raft
