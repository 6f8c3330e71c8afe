#pragma once

#include "schema/frame.hpp"
#include "test/client/model_lending.hpp"
#include "test/client/model_queue.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace carafe::test {

/// A node in this process: one thread, real sockets, queues in memory, and a hook that lets a test
/// answer, drop or break anything.
///
/// @thread Any.
class fake_node {
public:
  struct settings {
    std::uint32_t frame_bytes_max = 9u << 20;
    std::uint32_t message_bytes_max = 4u << 20;
    std::uint32_t batch_count_max = 65'536;
    std::uint32_t idle_timeout_ms = 30'000;
    std::uint32_t in_flight_max = 64;
    /// Every queue goes to whoever joined last, from its committed offset on.
    bool assign_all = true;
    /// Members of `shared` groups are lent all that is free, as far as their credit goes.
    bool lend_all = true;
    std::uint64_t lease_ms = 30'000;
    /// What a connection that ends had counts as failed at once. Otherwise it is kept for who comes
    /// back, as after a restart of the node.
    bool notices_loss = true;
  };

  struct handle {};
  /// No answer, as if it was lost.
  struct drop {};
  struct close {};
  /// Do what the frame asks for, then break the connection instead of answering.
  struct handle_and_close {};
  using reaction = std::variant<handle, drop, close, handle_and_close, frames::body>;
  /// Runs on the node's thread, without its lock.
  using hook = std::function<reaction(const frames::frame&)>;

  fake_node() : fake_node(settings{}) {}
  explicit fake_node(settings s);
  ~fake_node();

  [[nodiscard]] std::string address() const;

  void add_topic(const std::string& name, std::uint32_t queues);
  void delete_topic(const std::string& name);
  [[nodiscard]] queue_id queue(const std::string& topic, std::uint32_t number) const;
  /// Works on a queue's contents.
  void with_queue(const std::string& topic, std::uint32_t number,
                  const std::function<void(model_queue&)>& work);
  /// Bodies of a queue's messages, in order.
  [[nodiscard]] std::vector<std::string> bodies(const std::string& topic, std::uint32_t number);

  void on_frame(hook h);
  /// Every frame of one kind that came so far.
  template <class Frame>
  [[nodiscard]] std::vector<Frame> seen() const {
    auto guard = std::lock_guard{mutex_};
    auto found = std::vector<Frame>{};
    for (auto& f : seen_) {
      if (auto it = std::get_if<Frame>(&f.body)) found.push_back(*it);
    }
    return found;
  }
  template <class Frame>
  [[nodiscard]] std::size_t count() const {
    return seen<Frame>().size();
  }
  /// Connections that said hello so far.
  [[nodiscard]] std::size_t greeted() const;

  /// Breaks all connections.
  void cut();
  /// Stops listening (and breaks all connections), or listens on the same port again.
  void listen(bool on);
  /// Sends a frame on the newest connection.
  void send(std::uint64_t request, frames::body body);

  // -- groups -------------------------------------------------------------------------------------

  /// The newest member; 0 if nobody joined.
  [[nodiscard]] member_id member() const;
  /// @returns The assignment's generation.
  generation assign(member_id member, const std::string& topic, std::uint32_t number,
                    std::uint32_t credit = 1u << 20);
  void revoke(member_id member, const std::string& topic, std::uint32_t number,
              std::uint32_t deadline_ms);
  [[nodiscard]] offset committed(const std::string& topic, std::uint32_t number) const;
  void set_committed(const std::string& topic, std::uint32_t number, offset next);

  /// Lends these to the newest member, as far as they are free.
  void lend(const std::string& topic, std::uint32_t number,
            const std::vector<offset_range>& ranges);
  /// Somebody else has this message from now on.
  void take_away(const std::string& topic, std::uint32_t number, offset at);
  /// As if all members of shared groups had been silent too long.
  void forget_members();
  [[nodiscard]] std::vector<std::uint64_t> finished(const std::string& topic,
                                                    std::uint32_t number) const;
  /// Messages that somebody has.
  [[nodiscard]] std::size_t lent() const;

private:
  struct connection {
    int fd = -1;
    std::unique_ptr<frames::reader> reader;
    std::vector<char> out;
  };
  struct subscription {
    connection* on = nullptr;
    queue_id queue;
    offset next;
    std::int64_t credit = 0;
  };
  /// A member of a shared group.
  struct borrower {
    connection* on = nullptr;
    subscription_id subscription;
    std::int64_t credit = 0;
  };
  struct ownership {
    member_id member;
    generation owner;
  };

  void run();
  void accept_one();
  void wake();
  bool serve(connection& c);
  bool take(connection& c, frames::frame&& f);
  std::optional<frames::body> carry_out(connection& c, const frames::frame& f);
  std::optional<frames::body> produce(const frames::produce& p);
  std::optional<frames::body> subscribe(connection& c, const frames::subscribe& s);
  std::optional<frames::body> join(connection& c, std::uint64_t request, const frames::join& j);
  std::optional<frames::body> commit(const frames::commit& c);
  std::optional<frames::body> leave(const frames::leave& l);
  void take_credit(connection& c, const frames::credit& given);
  void join_shared(connection& c, std::uint64_t request, const frames::join& j);
  std::optional<frames::body> settle(const frames::settle& s);
  std::optional<frames::body> renew(const frames::renew& r);
  void lend_all();
  void lend_locked(member_id member, const std::string& topic, std::uint32_t number,
                   const std::vector<offset_range>& ranges);
  std::optional<frames::body> describe(const std::string& name);
  void put(connection& c, std::uint64_t request, frames::body body);
  generation assign_locked(member_id member, const std::string& topic, std::uint32_t number,
                           std::uint32_t credit);
  void deliver_all();
  static void write(connection& c);
  void close_all();
  void forget(const connection& c);

  settings settings_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  std::thread thread_;
  mutable std::mutex mutex_; // Everything below.
  bool stopping_ = false;
  bool cut_ = false;
  std::vector<std::unique_ptr<connection>> connections_;
  hook hook_;
  std::vector<frames::frame> seen_;
  std::uint64_t next_id_ = 1;
  std::map<std::string, std::vector<queue_id>> topics_;
  std::map<queue_id, model_queue> queues_;
  std::map<std::pair<connection*, subscription_id>, subscription> subscriptions_;
  member_id member_;
  std::uint64_t generations_ = 0;
  std::map<queue_id, ownership> owners_;
  std::map<queue_id, offset> committed_;
  std::map<member_id, borrower> borrowers_;
  model_lending lending_;
};

/// Waits until `holds` is true, at most five seconds.
bool eventually(const std::function<bool()>& holds);

} // namespace carafe::test
