#pragma once

#include "actors/group.hpp"

namespace carafe {

/// Members, owners, committed offsets and lag, with every shard's view of the queues.
caf::result<frames::group_description>
describe_group(group_actor::stateful_pointer<group_state> self);

/// Moves committed offsets of queues that nobody owns. Members that join meanwhile get these queues
/// when it is done.
/// @errors group_in_use, topic_unknown, queue_unknown, offset_out_of_range; nothing is moved unless
///         every position is found, and positions of one shard move together.
caf::result<caf::ok_atom> reset_group(group_actor::stateful_pointer<group_state> self,
                                      const frames::group_reset& wish);

/// Asks all members for their queues, as a reset does; answered when they are free and settled.
/// @errors group_in_use  a reset is under way, or members are in the way.
caf::result<caf::ok_atom> hand_over(group_actor::stateful_pointer<group_state> self,
                                    const group_change& change);

/// Goes on with resets, and the handing over, that waited for the commits of former owners.
void resume_resets(group_actor::stateful_pointer<group_state> self);

} // namespace carafe
