#include "actors/client/receiver.hpp"

#include <utility>

namespace carafe::client {

using std::chrono::steady_clock;

receiver::receiver(link& wire, consumer_options options)
  : link_(wire), options_(std::move(options)) {}

result<std::vector<delivery>> receiver::poll(std::size_t max, std::chrono::milliseconds wait) {
  if (max == 0) return {errc::invalid_argument, "max is 0"};
  auto out = std::vector<delivery>{};
  auto credit = std::vector<frames::credit>{};
  {
    auto guard = std::unique_lock{mutex_};
    auto until = std::optional<time_point>{};
    while (true) {
      if (closed_) return *dead_;
      if (!failures_.empty()) {
        auto why = std::move(failures_.front());
        failures_.pop_front();
        return why;
      }
      if (hand_out(max, out, credit)) break;
      if (!failures_.empty()) continue;
      if (dead_) return *dead_;
      auto now = steady_clock::now();
      if (!until) until = now + wait;
      if (interrupted_ || now >= *until) break;
      changed_.wait_until(guard, *until);
    }
  }
  send_credit(std::move(credit));
  return out;
}

void receiver::send_credit(std::vector<frames::credit> credit) {
  if (credit.empty()) return;
  link_.loop().post([self = shared_from_this(), credit = std::move(credit)] {
    for (auto& each : credit) self->link_.send(each);
  });
}

failure receiver::not_open(const char* silence) const {
  return refusal_ ? *refusal_ : failure{errc::timeout, silence};
}

void receiver::interrupt() {
  auto guard = std::lock_guard{mutex_};
  interrupted_ = true;
  changed_.notify_all();
}

bool receiver::interrupted() const {
  auto guard = std::lock_guard{mutex_};
  return interrupted_;
}

void receiver::clear_interrupt() {
  auto guard = std::lock_guard{mutex_};
  interrupted_ = false;
}

void receiver::report(failure why) {
  constexpr std::size_t kept = 1'000;
  if (failures_.size() < kept) failures_.push_back(std::move(why));
  changed_.notify_all();
}

} // namespace carafe::client
