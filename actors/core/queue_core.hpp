#pragma once

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <variant>
#include <vector>

namespace carafe::core {

/// Names a reader of a queue within its queue.
using reader_id = strong<struct reader_id_tag, std::uint64_t>;

/// Where a batch lies in its queue and how much it weighs.
struct batch_span {
  offset base;
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;
};

/// A queue's reading side: who reads where, and what each may be sent.
///
/// A reader at the end of the queue gets new batches straight from the commit, without a read. A
/// reader behind it is fed by reads of the log, one at a time.
///
/// @invariant A reader gets batches in order, without gaps and without repeats, and none that is
///            larger than the demand it has left.
class queue_core {
public:
  queue_core(offset start, offset next) : start_(start), next_(next) {}

  [[nodiscard]] offset start() const noexcept { return start_; }
  [[nodiscard]] offset next() const noexcept { return next_; }
  [[nodiscard]] std::size_t readers() const noexcept { return readers_.size(); }

  /// @errors offset_out_of_range  `from` is not within [start, next] and `policy` is `error`.
  [[nodiscard]] result<offset> resolve(offset from, range_policy policy) const;

  /// `batch` of the batches given to the same call goes to `reader`.
  struct deliver {
    reader_id reader;
    std::size_t batch = 0;
  };
  /// The log is to be read for `reader`, at most about `bytes_max`.
  struct read {
    reader_id reader;
    offset from;
    std::uint64_t bytes_max = 0;
  };
  /// The reader gives all its demand back, `returned` bytes. It waits for `bytes` at once, which
  /// is what its next batch needs, or what the last one did; 0: it has all there is.
  struct want {
    reader_id reader;
    std::uint64_t bytes = 0;
    std::uint64_t returned = 0;
  };
  /// The reader cannot go on; it is forgotten.
  struct end {
    reader_id reader;
    failure why;
  };
  using effect = std::variant<deliver, read, want, end>;
  using effects = std::vector<effect>;

  /// Adds a reader. One that is to go on elsewhere is removed, and added under another id.
  /// @pre `from` came out of `resolve`; the id is new.
  void add(reader_id reader, offset from);
  void remove(reader_id reader);

  /// `reader` may be sent so many bytes more. What is too little for one batch comes back.
  effects demand(reader_id reader, std::uint64_t bytes);

  /// These batches were committed, right behind `next()`; `start` may have risen.
  effects committed(offset start, std::span<const batch_span> batches);

  /// The read for `reader` brought these. A read that brings nothing it could use ends it.
  effects read_done(reader_id reader, std::span<const batch_span> batches);
  effects read_failed(reader_id reader, failure why);

private:
  struct reader_state {
    offset next;
    std::uint64_t demand = 0;
    /// Size of the next batch, if it is as large as the one before.
    std::uint64_t expected = 1;
    bool reading = false;
    /// It has told what it wants, and got nothing yet.
    bool waiting = false;
    /// … and that was `expected`: some of what it gets may be left over.
    bool guessed = false;
  };

  /// @returns Whether the reader's next batch was among these.
  bool feed(reader_id id, reader_state& reader, std::span<const batch_span> batches, effects& out);
  static void ask(reader_id id, reader_state& reader, std::uint64_t bytes, effects& out);
  void go_on(reader_id id, reader_state& reader, effects& out);

  offset start_;
  offset next_;
  std::unordered_map<reader_id, reader_state> readers_;
};

} // namespace carafe::core
