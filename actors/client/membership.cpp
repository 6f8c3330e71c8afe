#include "actors/client/membership.hpp"

#include "actors/client/told.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Before a `join` is tried again that the node could not serve just now.
constexpr milliseconds join_again_after{200};

const char* mode_name(group_mode mode) {
  switch (mode) {
  case group_mode::ordered:
    break;
  case group_mode::shared:
    return "shared";
  case group_mode::keyed:
    return "keyed";
  case group_mode::broadcast:
    return "broadcast";
  }
  return "";
}

} // namespace

membership::membership(receiver& of, std::function<frames::join()> wish,
                       std::function<void(const frames::joined&)> in)
  : of_(of), wish_(std::move(wish)), in_(std::move(in)) {}

result<void> membership::open() {
  of_.link_.loop().post([self = of_.shared_from_this()] { self->link_.add(self); });
  auto guard = std::unique_lock{of_.mutex_};
  auto until = steady_clock::now() + of_.link_.options().timeout;
  if (!of_.changed_.wait_until(guard, until, [&] { return opened_ || of_.dead_; }))
    return of_.not_open("the node has not let us into the group");
  if (of_.dead_) return *of_.dead_;
  return {};
}

void membership::join() {
  if ((of_.dead_ && !of_.closing_) || joining_ || joined() || !of_.link_.ready()) return;
  joining_ = true;
  auto wish = wish_();
  wish.rejoins = group_;
  of_.link_.call(std::move(wish), on_loss::forget, {},
                 [this, self = of_.shared_from_this()](frames::body&& body) {
                   auto guard = std::lock_guard{of_.mutex_};
                   on_answer(std::move(body));
                 });
}

void membership::on_answer(frames::body&& body) {
  joining_ = false;
  if (auto joined = std::get_if<frames::joined>(&body)) {
    again_ = false;
    if (of_.dead_ && !of_.closing_) { // It was closed meanwhile.
      of_.link_.send(frames::leave{joined->member});
      return;
    }
    id_ = joined->member;
    group_ = joined->group;
    opened_ = true;
    in_(*joined);
    of_.changed_.notify_all();
    return;
  }
  auto error = std::get_if<frames::error>(&body);
  auto why = error ? error->why : failure{errc::internal, "the answer to join is no consent"};
  if (!is_retriable(why.code)) {
    again_ = false;
    if (!of_.dead_) of_.dead_ = why;
    of_.changed_.notify_all();
    return;
  }
  of_.refusal_ = why;
  auto wait = std::max(join_again_after, milliseconds{error->retry_after_ms});
  of_.link_.loop().at(steady_clock::now() + wait, [this, self = of_.shared_from_this()] {
    auto guard = std::lock_guard{of_.mutex_};
    join();
  });
}

void membership::forget() {
  again_ = again_ || joined();
  id_ = {};
}

void membership::lose() {
  joining_ = again_ = false;
  id_ = {};
}

result<void> membership::leave() {
  auto promise = std::make_shared<std::promise<result<void>>>();
  auto future = promise->get_future();
  of_.link_.loop().post([this, self = of_.shared_from_this(), promise] {
    auto member = member_id{};
    {
      auto guard = std::lock_guard{of_.mutex_};
      member = id_;
    }
    if (member.value == 0) { // The connection, and with it the membership, went meanwhile.
      promise->set_value({});
      return;
    }
    of_.link_.call(frames::leave{member}, on_loss::report,
                   steady_clock::now() + of_.link_.options().timeout,
                   [promise](frames::body&& body) {
                     auto error = std::get_if<frames::error>(&body);
                     auto gone = error && (error->why.code == errc::member_unknown ||
                                           error->why.code == errc::shutting_down);
                     promise->set_value(error && !gone ? result<void>{error->why} : result<void>{});
                   });
  });
  return future.get();
}

frames::join join_of(const consumer_options& options) {
  auto frame = frames::join{};
  frame.group = options.group;
  frame.topics = options.topics;
  frame.member = options.member;
  frame.start = options.start;
  frame.out_of_range = options.out_of_range;
  frame.credit_bytes = options.credit_bytes;
  frame.mode = mode_name(options.mode);
  frame.in_flight_max = options.in_flight_max;
  frame.name = options.durable_name;
  frame.member_id = options.member_id;
  frame.filter = wire_filter(options.filter);
  return frame;
}

} // namespace carafe::client
