#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/scratch_folder.hpp"
#include "test/sim/sender.hpp"
#include "test/sim/table_oracle.hpp"
#include "test/sim/table_reader.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

/// Gives keys of a table new values, and ends some; one batch at a time until it is answered.
class table_clerk {
public:
  table_clerk(rig& r, std::uint64_t number, std::uint64_t keys, table_oracle& told)
    : sender_(r, "clerk of tables " + std::to_string(number)),
      number_(number),
      keys_(keys),
      told_(&told) {}

  void step(dice& d, const frames::topic_description& topic);
  /// At the end: only waits for its answer, and sends again.
  /// @returns Whether it is there.
  bool finish();
  void node_died() { sender_.node_died(); }
  /// Its queue's shard has lost its end: it begins anew, and gives up what was not answered.
  void lost_end(shard_id shard);

private:
  void make_batch(dice& d, const frames::topic_description& topic);
  void take();

  sender sender_;
  std::uint64_t number_ = 0, keys_ = 0, lives_ = 0;
  table_oracle* told_;
  producer_id producer_{0};
  sequence last_{0};
  std::optional<frames::topic_queue> queue_;
};

/// A compacted topic whose log is short: what retention takes of it is looked for by readers and by
/// searches for keys.
class table_act final : public act {
public:
  table_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.missing(); }

private:
  void search(dice& d);
  void take_search();
  void check_whole(const frames::topic_queue& queue);

  scratch_folder folder_;
  table_oracle told_;
  std::uint64_t keys_ = 0;
  frames::topic_description topic_;
  std::list<table_clerk> clerks_;
  std::list<table_reader> readers_;
  asker searcher_;
  std::optional<table_oracle::search> searching_;
};

} // namespace carafe::sim
