#include "actors/client/key_search.hpp"

#include <utility>

namespace carafe::client {

frames::key_find frame_of(const key_question& from) {
  return {from.topic, from.number, from.key,    from.from,
          from.until, from.since,  from.before, from.limit};
}

key_places told(frames::key_found&& from) {
  return {std::move(from.offsets), from.next, from.more, from.looked};
}

} // namespace carafe::client
