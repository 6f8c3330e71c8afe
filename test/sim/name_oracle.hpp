#pragma once

/// What lives of an application with a name know, and whether a broker that keeps its word could
/// have said and stored so. It knows nothing of the broker but the protocol's promises.

#include "schema/frame.hpp"
#include "test/sim/watcher.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::sim {

/// A message as the application knows it: of which id of its name, and its number.
struct numbered {
  producer_name_id name;
  sequence number;

  friend auto operator<=>(const numbered&, const numbered&) = default;
};
/// What its content follows from.
[[nodiscard]] message_name content_of(const numbered& message);
[[nodiscard]] std::string to_string(const numbered& message);

/// To open the name, or to forget it, as it was asked for.
struct name_wish {
  std::uint64_t number = 0;
};

/// Who has opened the name.
struct name_holder {
  name_wish asked;
  producer_name_id name;
  std::uint32_t epoch = 0;
};

/// - A message of a name is in its queue once; those of a queue are there in the order of their
///   numbers, without a gap, whoever sent them how often.
/// - What was acknowledged is there, at its place.
/// - Once a name is opened, what earlier holders have stored is all that they ever will: the
///   progress that is told then is the last word about it. It is never less than what was
///   acknowledged.
/// - Epochs rise. A holder is fenced only if somebody else asked for the name, or to forget it.
/// - After a name is forgotten it begins anew, under another id, and nothing of the old id comes.
class name_oracle {
public:
  /// @param note  Takes what happens, for people.
  explicit name_oracle(std::function<void(const std::string&)> note) : note_(std::move(note)) {}

  [[nodiscard]] name_wish opening() { return asking(false); }
  [[nodiscard]] name_holder opened(const name_wish& wish, const frames::producer_opened& answer);
  [[nodiscard]] name_wish forgetting() { return asking(true); }
  void forgotten(const name_wish& wish);
  /// There is no such name, as it was told.
  void not_there(const name_wish& wish);
  void fenced(const name_holder& holder);
  void progress(const name_holder& holder, const frames::producer_progress& told);

  /// @param spread  Over so many queues the name's messages are.
  void sent(const numbered& message, queue_id queue, producer_id life, const name_holder& holder,
            std::uint64_t spread);
  void stored(const numbered& message, queue_id queue, offset at);
  /// It is stored, as was told, but not where.
  void stored_somewhere(const numbered& message);
  void delivered(const watcher::message& what);

  void node_died() { ++node_lives_; }
  /// What is beyond is gone, and its places are given to others.
  void ends_at(queue_id queue, offset end);
  /// @param missed_below  Tells below which offset of a queue retention may have taken what nobody
  ///                      has read.
  void check_finished(const std::function<offset(queue_id)>& missed_below) const;
  /// The highest number of the name that was seen in the queue.
  [[nodiscard]] sequence last_seen(producer_name_id name, queue_id queue) const;
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }

private:
  struct asked {
    bool forgets = false;
    std::uint64_t node_life = 0;
    /// What was answered before it was asked.
    std::optional<frames::producer_opened> before = {};
    producer_name_id gone = {};
    bool done = false;
    /// Who it made holder.
    frames::producer_opened opened = {};
  };
  struct sending {
    queue_id queue;
    std::uint64_t spread = 0;
    std::map<producer_id, std::uint32_t> epochs = {};
    /// Where it is, or that it is somewhere.
    std::optional<offset> place = {};
    bool stored = false;
  };
  struct seen_message {
    numbered message;
    std::uint32_t epoch = 0;
  };
  /// No holder before that epoch stores more in the queue.
  struct last_word {
    name_holder holder;
    queue_id queue;
    sequence last;
  };

  name_wish asking(bool forgets);
  sending& find(const numbered& message, const char* what);
  void check_order(const seen_message& now, const sending& how, const watcher::message& what) const;
  void check_last_word(const last_word& word, const seen_message& m, queue_id queue) const;

  std::function<void(const std::string&)> note_;
  std::vector<asked> wishes_;
  std::uint64_t node_lives_ = 0;
  /// The highest that was answered.
  std::optional<frames::producer_opened> newest_;
  /// Ids up to it are surely forgotten.
  producer_name_id gone_{0};
  std::map<numbered, sending> sent_;
  std::map<queue_id, std::map<offset, seen_message>> seen_;
  std::vector<last_word> words_;
  std::uint64_t deliveries_ = 0;
};

} // namespace carafe::sim
