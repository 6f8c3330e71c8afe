#include "actors/client/requests.hpp"

#include <utility>
#include <vector>

namespace carafe::client {

void request_table::call(frames::body body, on_loss loss, std::optional<time_point> deadline,
                         answer_handler answer, bool connected) {
  auto request = number();
  auto& w = requests_[request];
  w.body = std::move(body);
  w.loss = loss;
  w.answer = std::move(answer);
  if (deadline) w.timer = loop_.at(*deadline, [this, request] { expire(request); });
  if (connected) transmit(request, w);
}

void request_table::transmit(std::uint64_t request, waiting& w) {
  w.sent = true;
  if (w.loss == on_loss::resend) {
    send_({request, *w.body});
    return;
  }
  send_({request, std::move(*w.body)});
  w.body.reset();
}

bool request_table::answer(std::uint64_t request, frames::body&& body) {
  auto found = requests_.find(request);
  if (found == requests_.end()) return false;
  auto w = take(found);
  w.answer(std::move(body));
  return true;
}

void request_table::resume() {
  for (auto& [request, w] : requests_) {
    if (!w.sent) transmit(request, w);
  }
}

void request_table::lost(const failure& why) {
  auto unknown = std::vector<waiting>{};
  for (auto at = requests_.begin(); at != requests_.end();) {
    auto here = at++;
    if (!here->second.sent) continue;
    if (here->second.loss == on_loss::resend) {
      here->second.sent = false;
      continue;
    }
    auto w = take(here);
    if (w.loss == on_loss::report) unknown.push_back(std::move(w));
  }
  for (auto& w : unknown) w.answer(frames::error{{errc::outcome_unknown, why.detail}, 0});
}

void request_table::fail_all(const failure& why) {
  while (!requests_.empty()) {
    auto w = take(requests_.begin());
    w.answer(frames::error{why, 0});
  }
}

void request_table::expire(std::uint64_t request) {
  auto found = requests_.find(request);
  if (found == requests_.end()) return;
  found->second.timer.reset();
  auto w = take(found);
  auto code = w.sent && w.loss == on_loss::report ? errc::outcome_unknown : errc::timeout;
  w.answer(frames::error{{code, "no answer in time"}, 0});
}

request_table::waiting request_table::take(std::map<std::uint64_t, waiting>::iterator at) {
  if (at->second.timer) loop_.cancel(*at->second.timer);
  auto w = std::move(at->second);
  requests_.erase(at);
  return w;
}

} // namespace carafe::client
