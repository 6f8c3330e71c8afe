#include "test/client/fake_node.hpp"

#include "schema/batch.hpp"

#include <algorithm>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace carafe::test {

bool eventually(const std::function<bool()>& holds) {
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

void fake_node::add_topic(const std::string& name, std::uint32_t queues) {
  auto guard = std::lock_guard{mutex_};
  auto& list = topics_[name];
  while (list.size() < queues) {
    list.push_back(queue_id{next_id_++});
    queues_[list.back()];
  }
}

void fake_node::delete_topic(const std::string& name) {
  auto guard = std::lock_guard{mutex_};
  for (auto q : topics_[name]) queues_.erase(q);
  topics_.erase(name);
}

queue_id fake_node::queue(const std::string& topic, std::uint32_t number) const {
  auto guard = std::lock_guard{mutex_};
  return topics_.at(topic).at(number);
}

void fake_node::with_queue(const std::string& topic, std::uint32_t number,
                           const std::function<void(model_queue&)>& work) {
  auto id = queue(topic, number);
  auto guard = std::lock_guard{mutex_};
  work(queues_.at(id));
  deliver_all();
  wake();
}

std::vector<std::string> fake_node::bodies(const std::string& topic, std::uint32_t number) {
  auto found = std::vector<std::string>{};
  with_queue(topic, number, [&](model_queue& q) {
    for (auto& each : q.log()) {
      auto batch = batch_reader::open(each.what.batch, each.what.compression, {});
      CARAFE_ASSERT(batch.ok());
      for (std::uint32_t i = 0; i < batch->count(); ++i) found.emplace_back(batch->message(i).body);
    }
  });
  return found;
}

void fake_node::on_frame(hook h) {
  auto guard = std::lock_guard{mutex_};
  hook_ = std::move(h);
}

std::size_t fake_node::greeted() const { return count<frames::hello>(); }

void fake_node::cut() {
  {
    auto guard = std::lock_guard{mutex_};
    cut_ = true;
  }
  wake();
  eventually([this] {
    auto guard = std::lock_guard{mutex_};
    return !cut_;
  });
}

void fake_node::listen(bool on) {
  if (on) {
    auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CARAFE_ASSERT(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CARAFE_ASSERT(::listen(fd, 16) == 0);
    auto guard = std::lock_guard{mutex_};
    listener_ = fd;
  } else {
    auto guard = std::lock_guard{mutex_};
    // Shut down first: the node's thread may be polling it.
    ::shutdown(listener_, SHUT_RDWR);
    ::close(listener_);
    listener_ = -1;
  }
  if (on)
    wake();
  else
    cut();
}

void fake_node::send(std::uint64_t request, frames::body body) {
  auto guard = std::lock_guard{mutex_};
  CARAFE_ASSERT(!connections_.empty());
  put(*connections_.back(), request, std::move(body));
  wake();
}

void fake_node::close_all() {
  while (!connections_.empty()) forget(*connections_.back());
}

void fake_node::forget(const connection& c) {
  ::close(c.fd);
  std::erase_if(borrowers_, [&](auto& each) {
    if (each.second.on != &c) return false;
    lending_.member_gone(each.first, settings_.notices_loss);
    return true;
  });
  std::erase_if(subscriptions_, [&](auto& each) { return each.first.first == &c; });
  std::erase_if(connections_, [&](auto& each) { return each.get() == &c; });
}

member_id fake_node::member() const {
  auto guard = std::lock_guard{mutex_};
  return member_;
}

generation fake_node::assign(member_id member, const std::string& topic, std::uint32_t number,
                             std::uint32_t credit) {
  auto guard = std::lock_guard{mutex_};
  auto owner = assign_locked(member, topic, number, credit);
  deliver_all();
  wake();
  return owner;
}

generation fake_node::assign_locked(member_id member, const std::string& topic,
                                    std::uint32_t number, std::uint32_t credit) {
  auto owner = generation{++generations_};
  auto queue = topics_.at(topic).at(number);
  auto id = subscription_id{(std::uint64_t{1} << 63) | owner.value};
  owners_[queue] = {member, owner};
  auto& c = *connections_.back();
  subscriptions_[{&c, id}] = {&c, queue, committed_[queue], credit};
  auto a = frames::assigned{};
  a.member = member;
  a.subscription = id;
  a.owner = owner;
  a.topic = topic;
  a.number = queue_number{number};
  a.queue = queue;
  a.begin = committed_[queue];
  put(c, 0, std::move(a));
  return owner;
}

void fake_node::revoke(member_id member, const std::string& topic, std::uint32_t number,
                       std::uint32_t deadline_ms) {
  auto guard = std::lock_guard{mutex_};
  auto queue = topics_.at(topic).at(number);
  auto owner = owners_.at(queue).owner;
  std::erase_if(subscriptions_, [&](auto& each) { return each.second.queue == queue; });
  if (deadline_ms == 0) owners_.erase(queue);
  put(*connections_.back(), 0, frames::revoked{member, queue, owner, deadline_ms});
  wake();
}

offset fake_node::committed(const std::string& topic, std::uint32_t number) const {
  auto guard = std::lock_guard{mutex_};
  auto at = committed_.find(topics_.at(topic).at(number));
  return at == committed_.end() ? offset{} : at->second;
}

void fake_node::set_committed(const std::string& topic, std::uint32_t number, offset next) {
  auto guard = std::lock_guard{mutex_};
  committed_[topics_.at(topic).at(number)] = next;
}

} // namespace carafe::test
