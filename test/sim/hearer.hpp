#pragma once

#include "test/sim/act.hpp"
#include "test/sim/broadcast_oracle.hpp"
#include "test/sim/client.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace carafe::sim {

constexpr const char* news_topic = "news";
constexpr const char* hearer_group = "hearers";

/// A consumer of a `broadcast` group, with a name or without: handles what comes, in order, and
/// commits it, if it has a name. It leaves, is cut off, and gives queues back; then it goes on
/// where the node lets it.
class hearer;
/// The group's filter; either lets everything pass.
[[nodiscard]] message_filter all_news(bool by_tags);

class hearer {
public:
  /// @param name    Empty: it has none.
  /// @param latest  Where it begins for the first time; without a name each time.
  hearer(stage s, std::string name, std::uint64_t holder, bool latest, broadcast_oracle& told)
    : stage_(s),
      link_(*s.node, "hearer " + std::to_string(holder)),
      told_(&told),
      name_(std::move(name)),
      holder_(holder),
      latest_(latest) {}

  void step(dice& d, const frames::topic_description& topic);
  /// At the end: reads and commits everything.
  void finish(const frames::topic_description& topic);
  /// Where it has not read, and committed, all that is in these queues; empty: nowhere.
  [[nodiscard]] std::string missing(const frames::topic_description& topic) const;
  void cut();
  void node_died();
  void lost_end(queue_id queue);
  /// A queue is about to be added to the topic: it reads that from its beginning, if the node knows
  /// it by now.
  void queue_comes();
  /// A queue may be added, now or later.
  void queue_may_come() { unsure_for_good_ = true; }
  [[nodiscard]] const std::string& name() const { return name_; }

private:
  struct holding {
    frames::assigned how;
    offset next, committed;
    std::optional<offset> committing = {};
    bool started = false;
    /// It is asked for.
    bool revoked = false;
  };
  struct commit_wish {
    queue_id queue;
    generation owner;
    offset next;
  };

  bool connected();
  void join(const frames::topic_description& topic, std::uint32_t credit);
  void commit(holding& h, offset next);
  void release(queue_id queue);
  void take();
  void got(const frames::assigned& how);
  void got(const frames::deliver& d);
  void got(const frames::subscription_ended& end);
  void answered(const commit_wish& what, const frames::error* refusal);
  void lost();
  [[nodiscard]] broadcast_oracle::beginning wanted(queue_id queue) const;
  [[nodiscard]] std::string who() const { return name_.empty() ? link_.name() : name_; }

  stage stage_;
  connection link_;
  broadcast_oracle* told_;
  std::string name_;
  std::uint64_t holder_ = 0;
  bool latest_ = false;
  std::uint64_t joining_ = 0;
  std::optional<member_id> member_;
  /// Where it was let in last, and how often it was not for the filter.
  group_id group_was_;
  unsigned mismatches_ = 0;
  /// A join was answered once.
  bool known_ = false;
  /// Where queues ended at the least when it joined, with a name for the first time. Others are
  /// younger, and read from their beginning, if that is sure.
  std::map<queue_id, offset> ends_;
  bool unsure_of_new_ = false, unsure_for_good_ = false;
  std::map<queue_id, holding> holds_;
  std::map<std::uint64_t, commit_wish> commits_;
};

} // namespace carafe::sim
