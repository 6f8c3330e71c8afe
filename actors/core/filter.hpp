#pragma once

#include "actors/core/filter_program.hpp"
#include "schema/batch.hpp"

#include "carafe/result.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace carafe::core {

enum class filter_kind : std::uint8_t {
  /// `a || b || c`: messages with one of these tags. `*`: all messages. A tag is anything but
  /// spaces
  /// and `|`, compared byte by byte.
  tags = 0,
  /// An SQL92 condition over properties, tag and key; see `filter`.
  sql = 1,
};

/// Messages of a batch that follow each other, counted from 0.
struct message_run {
  std::uint32_t first = 0;
  std::uint32_t count = 0;

  friend bool operator==(const message_run&, const message_run&) = default;
};

/// Bytes of a filter's text. It comes from a client and is compiled by the node.
inline constexpr std::size_t filter_bytes_max = 4'096;

/// Which messages a subscription wants, compiled once.
///
/// In SQL, from what binds loosest: OR; AND; NOT; `=` `<>` `!=` `<` `<=` `>` `>=`, [NOT] BETWEEN …
/// AND …, [NOT] IN (…), [NOT] LIKE '…' [ESCAPE '…'], IS [NOT] NULL; `+` `-`; `*` `/`; unary `-`;
/// parentheses. Keywords and reserved names are the same in any case of letters.
///
/// - A name is letters, digits, `_`, and `.` or `-` inside: so a minus stands behind a space.
///   `"…"` quotes any other name (`""` is a quote in it), and one that is reserved. Names are
///   properties, compared byte by byte; of two with one name the first counts. `TAGS` or `TAG` is
///   the tag, `KEYS` or `KEY` the key. What the message has not is NULL; an empty tag or key is
///   none.
/// - Properties, tag and key are texts. Two texts compare byte by byte, as unsigned bytes, for `<`
///   and BETWEEN, too. Next to a number, and in arithmetic, a text is the number that it is in full
///   (an optional sign, decimal digits, point, exponent), and NULL if it is none.
/// - A number without point and exponent is an integer of 64 bits if it fits, else a double, the
///   nearest. Integers and doubles compare by their exact values. Arithmetic on integers is exact,
///   and division cuts towards zero; with a double it is done in doubles. Overflow and division by
///   zero give NULL.
/// - A comparison with NULL is unknown, and so is LIKE; IS NULL is not. `x BETWEEN a AND b` is
///   `x >= a AND x <= b`; `x IN (a, b)` is `x = a OR x = b`. NOT, AND and OR are SQL's with three
///   values.
/// - A name alone is a condition, too: the text `true` or `false`, in any case of letters, else
///   unknown. Conditions can be compared with `=` and `<>`, with each other and with names
///   (`paid = TRUE`).
/// - In LIKE `%` is any bytes, `_` one character (a byte, and the bytes that continue it in UTF-8).
///   A pattern with `_` behind a `%` sees texts of at most 4 KiB; for longer ones it is unknown.
///
/// Only messages for which it is true are wanted: not those for which it is unknown.
///
/// @thread Any number at the same time: nothing changes after `parse`.
class filter {
public:
  /// @errors filter_invalid  The detail begins with the column, in characters from 1, and says what
  ///                         was expected there and what was found; or which limit was passed:
  ///                         4 KiB, 64 deep (parentheses, NOT, unary minus), 1,000 operands and
  ///                         operators.
  /// @cost   About 20 ns a byte; at most 64 KiB of stack.
  [[nodiscard]] static result<filter> parse(filter_kind kind, std::string_view text);

  /// @cost Some 10 ns for each node, and a look at each byte of the texts that it compares; LIKE
  ///       may cost more, see `like_pattern`. Nothing is allocated.
  [[nodiscard]] bool matches(const message_view& message) const;

  /// Finds the messages of `batch` that match: `out` becomes their runs, in order, none empty, with
  /// at least one other message between two of them.
  ///
  /// Looks only at the columns that the filter names, never at bodies.
  /// @cost That of `matches` for each message, and two allocations a batch.
  void select(const batch_reader& batch, std::vector<message_run>& out) const;

private:
  explicit filter(filters::program p) : program_(std::move(p)) {}

  filters::program program_;
};

} // namespace carafe::core
