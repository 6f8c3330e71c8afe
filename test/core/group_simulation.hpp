#pragma once

#include "actors/core/group_core.hpp"
#include "test/core/dice.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::test {

/// A group with members that obey late, searches and commits that take their time, and a log that
/// holds the committed offsets. Some members have ids: they die and come back, take their seats
/// over or stay away too long, and the group's actor is made anew. Checks every effect against who
/// holds what.
class simulated_group {
public:
  explicit simulated_group(dice& d) : dice_(&d) {}

  void step();

  /// Lets everything under way come to its end; then every queue is owned and the shares are even.
  void settle();

private:
  struct holding {
    member_id member;
    generation owner;
  };
  struct commit_under_way {
    queue_id queue;
    offset to;
  };

  void join();
  void leave();
  void leave_for_a_moment();
  void come_back();
  void give_up();
  void make_anew();
  void forget_member(member_id id);
  /// Its queues are kept for whoever comes with the id.
  void keep(member_id id);
  void add_queue();
  void remove_queue();
  void release();
  void deadline();
  void commit();
  void finish_commit();
  void finish_search(bool well);

  void carry_out(const core::group_core::effects& effects);
  void on(const core::group_core::assign& e);
  void on(const core::group_core::revoke& e);
  void on(const core::group_core::take& e);
  void on(const core::group_core::find_start& e);
  void check_moves(const std::set<member_id>& revoked) const;
  void check_states() const;
  [[nodiscard]] bool commits_in_flight(queue_id queue) const;
  /// Queues that are not kept for anybody.
  [[nodiscard]] std::size_t shared() const;

  dice* dice_;
  core::group_core core_{8};
  std::uint64_t members_made_ = 0;
  std::uint64_t queues_made_ = 0;
  /// The newest generation under which a start was searched for, and the one of the newest owner.
  std::map<queue_id, generation> asked_;
  std::map<queue_id, generation> given_;
  std::set<member_id> members_;
  std::map<member_id, std::string> ids_;
  /// Who was the last to come with an id that is away.
  std::map<std::string, member_id> away_;
  /// What nobody else may get meanwhile.
  std::map<queue_id, std::string> kept_;
  /// As the members see it: from the assignment until they hear or say that it is over.
  std::map<queue_id, holding> held_;
  std::map<queue_id, generation> revoked_;
  /// Revocations that were obeyed; their deadlines may still come.
  std::vector<std::pair<queue_id, generation>> over_;
  std::map<queue_id, core::group_core::find_start> searches_;
  /// Owners who were told that their start was not found.
  std::map<queue_id, holding> failed_;
  std::vector<commit_under_way> commits_;
  std::map<queue_id, offset> log_;
};

} // namespace carafe::test
