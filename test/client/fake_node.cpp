#include "test/client/fake_node.hpp"

#include "schema/batch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace carafe::test {
namespace {

int listen_on(std::uint16_t port) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CARAFE_ASSERT(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CARAFE_ASSERT(::listen(fd, 16) == 0);
  return fd;
}

std::uint16_t port_of(int fd) {
  auto address = sockaddr_in{};
  auto bytes = socklen_t{sizeof address};
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes);
  return ntohs(address.sin_port);
}

} // namespace

fake_node::fake_node(settings s)
  : settings_(s), listener_(listen_on(0)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  port_ = port_of(listener_);
  thread_ = std::thread{[this] { run(); }};
}

fake_node::~fake_node() {
  {
    auto guard = std::lock_guard{mutex_};
    stopping_ = true;
  }
  wake();
  thread_.join();
  close_all();
  if (listener_ >= 0) ::close(listener_);
  ::close(wake_);
}

std::string fake_node::address() const { return "127.0.0.1:" + std::to_string(port_); }

void fake_node::wake() {
  auto one = std::uint64_t{1};
  [[maybe_unused]] auto put = ::write(wake_, &one, sizeof one);
}

void fake_node::run() {
  while (true) {
    auto polled = std::vector<pollfd>{{wake_, POLLIN, 0}};
    auto served = std::vector<connection*>{};
    {
      auto guard = std::lock_guard{mutex_};
      if (stopping_) return;
      if (std::exchange(cut_, false)) close_all();
      polled.push_back({listener_, POLLIN, 0}); // Ignored when negative.
      for (auto& c : connections_) {
        served.push_back(c.get());
        auto events = c->out.empty() ? POLLIN : POLLIN | POLLOUT;
        polled.push_back({c->fd, static_cast<short>(events), 0});
      }
    }
    ::poll(polled.data(), polled.size(), -1);
    auto count = std::uint64_t{};
    [[maybe_unused]] auto got = ::read(wake_, &count, sizeof count);
    for (std::size_t i = 0; i < served.size(); ++i) {
      if (polled[i + 2].revents == 0) continue;
      auto good = serve(*served[i]);
      auto guard = std::lock_guard{mutex_};
      if (good)
        write(*served[i]);
      else
        forget(*served[i]);
    }
    if ((polled[1].revents & POLLIN) != 0) accept_one();
    auto guard = std::lock_guard{mutex_};
    for (auto& c : connections_) write(*c);
  }
}

void fake_node::accept_one() {
  auto guard = std::lock_guard{mutex_};
  if (listener_ < 0) return;
  auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  auto c = std::make_unique<connection>();
  c->fd = fd;
  c->reader = std::make_unique<frames::reader>(settings_.frame_bytes_max);
  connections_.push_back(std::move(c));
}

void fake_node::write(connection& c) {
  while (!c.out.empty()) {
    auto sent = ::send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return; // Full, or broken: then reading finds out.
    c.out.erase(c.out.begin(), c.out.begin() + sent);
  }
}

bool fake_node::serve(connection& c) {
  auto buffer = std::array<std::byte, 65'536>{};
  while (true) {
    auto got = ::recv(c.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got <= 0) return false;
    c.reader->feed({buffer.data(), static_cast<std::size_t>(got)});
    while (true) {
      auto next = c.reader->next();
      if (!next) return false;
      if (!*next) break;
      if (!take(c, std::move(**next))) return false;
    }
  }
}

bool fake_node::take(connection& c, frames::frame&& f) {
  auto react = hook{};
  {
    auto guard = std::lock_guard{mutex_};
    seen_.push_back(f);
    react = hook_;
  }
  auto wanted = react ? react(f) : reaction{handle{}};
  auto guard = std::lock_guard{mutex_};
  if (std::holds_alternative<close>(wanted)) return false;
  if (std::holds_alternative<drop>(wanted)) return true;
  if (auto body = std::get_if<frames::body>(&wanted)) {
    put(c, f.request, std::move(*body));
    return true;
  }
  auto answer = carry_out(c, f);
  if (std::holds_alternative<handle_and_close>(wanted)) return false;
  if (answer) put(c, f.request, std::move(*answer));
  deliver_all();
  return true;
}

void fake_node::put(connection& c, std::uint64_t request, frames::body body) {
  frames::encode({request, std::move(body)}, c.out);
}

std::optional<frames::body> fake_node::carry_out(connection& c, const frames::frame& f) {
  if (std::holds_alternative<frames::hello>(f.body)) {
    auto w = frames::welcome{};
    w.node = "fake";
    w.frame_bytes_max = settings_.frame_bytes_max;
    w.message_bytes_max = settings_.message_bytes_max;
    w.batch_count_max = settings_.batch_count_max;
    w.idle_timeout_ms = settings_.idle_timeout_ms;
    w.in_flight_max = settings_.in_flight_max;
    return w;
  }
  if (std::holds_alternative<frames::ping>(f.body)) return frames::pong{};
  if (auto p = std::get_if<frames::produce>(&f.body)) return produce(*p);
  if (auto s = std::get_if<frames::subscribe>(&f.body)) return subscribe(c, *s);
  if (auto d = std::get_if<frames::topic_describe>(&f.body)) return describe(d->name);
  if (auto j = std::get_if<frames::join>(&f.body)) return join(c, f.request, *j);
  if (auto m = std::get_if<frames::commit>(&f.body)) return commit(*m);
  if (auto m = std::get_if<frames::settle>(&f.body)) return settle(*m);
  if (auto m = std::get_if<frames::renew>(&f.body)) return renew(*m);
  if (auto given = std::get_if<frames::credit>(&f.body)) {
    take_credit(c, *given);
    return {};
  }
  if (auto u = std::get_if<frames::unsubscribe>(&f.body)) {
    subscriptions_.erase({&c, u->subscription});
    return frames::ok{};
  }
  if (auto r = std::get_if<frames::release>(&f.body)) {
    auto at = owners_.find(r->queue);
    if (at != owners_.end() && at->second.owner == r->owner) owners_.erase(at);
    return frames::ok{};
  }
  if (auto l = std::get_if<frames::leave>(&f.body)) return leave(*l);
  return frames::error{{errc::unsupported, "the fake node does not know this"}, 0};
}

std::optional<frames::body> fake_node::produce(const frames::produce& p) {
  auto at = queues_.find(p.queue);
  if (at == queues_.end()) return frames::error{errc::queue_unknown, 0};
  auto limits = batch_limits{};
  limits.message_bytes_max = settings_.message_bytes_max;
  limits.batch_count_max = settings_.batch_count_max;
  auto good = validate_batch(p.batch.span(), p.compression, p.count, p.checksum, limits);
  if (!good) return frames::error{good.error(), 0};
  auto kept = p;
  kept.batch = shared_bytes::copy_of(p.batch.span());
  auto stored = at->second.append(kept);
  if (!stored) return frames::error{stored.error(), 0};
  return *stored;
}

std::optional<frames::body> fake_node::subscribe(connection& c, const frames::subscribe& s) {
  auto at = queues_.find(s.queue);
  if (at == queues_.end()) return frames::error{errc::queue_unknown, 0};
  auto& q = at->second;
  auto begin = q.start;
  if (s.start.at == start_position::kind::latest) begin = q.end();
  if (s.start.at == start_position::kind::at_offset) begin = s.start.from;
  if (begin < q.start || begin > q.end()) {
    if (s.out_of_range == range_policy::error) {
      subscriptions_.erase({&c, s.subscription});
      return frames::error{{errc::offset_out_of_range, std::to_string(begin.value)}, 0};
    }
    begin = s.out_of_range == range_policy::earliest ? q.start : q.end();
  }
  auto& sub = subscriptions_[{&c, s.subscription}];
  sub.on = &c;
  sub.queue = s.queue;
  sub.next = begin;
  sub.credit += s.credit_bytes;
  return frames::subscribed{s.subscription, begin, q.start, q.end()};
}

void fake_node::deliver_all() {
  for (auto& [key, sub] : subscriptions_) {
    for (auto& each : queues_[sub.queue].log()) {
      auto after = each.base + each.what.count;
      if (after <= sub.next) continue;
      if (sub.credit <= 0) break;
      auto d = frames::deliver{};
      d.subscription = key.second;
      d.queue = sub.queue;
      d.base = each.base;
      d.count = each.what.count;
      d.broker_time = unix_ms{1'700'000'000'000};
      d.producer = each.what.producer;
      d.first = each.what.first;
      d.compression = each.what.compression;
      d.checksum = each.what.checksum;
      d.batch = each.what.batch;
      sub.credit -= static_cast<std::int64_t>(d.batch.size());
      sub.next = after;
      put(*sub.on, 0, std::move(d));
    }
  }
  lend_all();
}

std::optional<frames::body> fake_node::describe(const std::string& name) {
  auto at = topics_.find(name);
  if (at == topics_.end()) return frames::error{{errc::topic_unknown, name}, 0};
  auto told = frames::topic_description{};
  told.name = name;
  told.topic = topic_id{1};
  for (std::uint32_t i = 0; i < at->second.size(); ++i) {
    auto q = frames::topic_queue{};
    q.number = queue_number{i};
    q.queue = at->second[i];
    told.queues.push_back(q);
  }
  return told;
}

std::optional<frames::body> fake_node::join(connection& c, std::uint64_t request,
                                            const frames::join& j) {
  for (auto& topic : j.topics) {
    if (!topics_.contains(topic)) return frames::error{{errc::topic_unknown, topic}, 0};
  }
  member_ = member_id{next_id_++};
  if (!j.mode.empty() && j.mode != "broadcast") {
    join_shared(c, request, j);
    return {};
  }
  put(c, request, frames::joined{member_, group_id{1}, {}, 0});
  owners_.clear();
  if (!settings_.assign_all) return {};
  for (auto& topic : j.topics) {
    for (std::uint32_t i = 0; i < topics_[topic].size(); ++i)
      assign_locked(member_, topic, i, j.credit_bytes);
  }
  return {};
}

std::optional<frames::body> fake_node::commit(const frames::commit& c) {
  if (c.member != member_) return frames::error{errc::member_unknown, 0};
  auto refused = false;
  for (auto& each : c.positions) {
    auto at = owners_.find(each.queue);
    if (at == owners_.end() || at->second.owner != each.owner)
      refused = true;
    else
      committed_[each.queue] = each.next;
  }
  if (refused) return frames::error{errc::not_owner, 0};
  return frames::ok{};
}

} // namespace carafe::test
