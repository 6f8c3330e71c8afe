#include "actors/client/message_property.hpp"

#include <carafe/request_reply.hpp>

#include <charconv>

namespace carafe::client {
namespace {

/// Of the text of a failure; an answer is never refused for its length.
constexpr std::size_t error_bytes_max = 512;

message failed_with(const failure& why) {
  auto m = message{};
  m.properties.emplace_back(reply_error_property, why.message().substr(0, error_bytes_max));
  return m;
}

result<receipt> send_to(producer& through, const reply_address& to, message m) {
  m.properties.emplace_back(correlation_id_property, to.correlation_id);
  return through.send_async(to.topic, std::move(m), to.number).get();
}

} // namespace

std::optional<reply_address> reply_address_of(const delivery& d) {
  const auto* to = find_property(d, reply_to_property);
  const auto* id = find_property(d, correlation_id_property);
  if (!to || !id || id->empty()) return std::nullopt;
  const auto slash = to->rfind('/');
  if (slash == std::string::npos || slash == 0) return std::nullopt;
  auto address = reply_address{to->substr(0, slash), {}, *id};
  const auto* end = to->data() + to->size();
  const auto [stop, error] = std::from_chars(to->data() + slash + 1, end, address.number.value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return address;
}

std::optional<std::string> reply_error_of(const delivery& answer) {
  const auto* why = find_property(answer, reply_error_property);
  return why ? std::optional{*why} : std::nullopt;
}

result<receipt> reply(producer& through, const delivery& request, const result<message>& answer) {
  auto to = reply_address_of(request);
  if (!to) return {errc::invalid_argument, "the message says not where its answer is to go"};
  if (!answer) return send_to(through, *to, failed_with(answer.error()));
  auto sent = send_to(through, *to, *answer);
  if (sent.code() != errc::message_too_large) return sent;
  return send_to(through, *to, failed_with(sent.error()));
}

result<void> respond(consumer& from, producer& through,
                     const std::function<result<message>(const delivery&)>& handle) {
  auto outcome = result<void>{};
  auto ran = from.run([&](const delivery& d) {
    auto answer = handle(d);
    if (!reply_address_of(d)) return true;
    auto sent = reply(through, d, answer);
    // To whom no answer can get, none will get later.
    if (sent || !is_retriable(sent.code())) return true;
    outcome = sent.error();
    return false;
  });
  return ran ? outcome : ran;
}

} // namespace carafe::client
