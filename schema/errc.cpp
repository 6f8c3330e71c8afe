#include <carafe/errc.hpp>
#include <carafe/result.hpp>

namespace carafe {
namespace {

struct row {
  errc code;
  std::string_view name;
  std::string_view sentence;
  bool retriable;
};

constexpr bool again = true;
constexpr bool as_it_is = false;

constexpr row rows[] = {
  {errc::none, "none", "nothing went wrong", as_it_is},
  {errc::internal, "internal",
   "the node or client met a case it does not know; report it with the node's log", as_it_is},
  {errc::invalid_argument, "invalid_argument",
   "an argument of the request is outside its allowed range or form; correct the one named in the "
   "detail",
   as_it_is},
  {errc::unsupported, "unsupported",
   "this cannot be asked for here, for the reason in the detail; if there is none, the other end "
   "is of an older version: upgrade it",
   as_it_is},
  {errc::shutting_down, "shutting_down",
   "the node is stopping; send the request again to another node or after its restart", again},
  {errc::timeout, "timeout",
   "no answer came within the time limit; send the request again, or raise the limit if the node "
   "is merely slow",
   again},
  {errc::outcome_unknown, "outcome_unknown",
   "the write may or may not have been stored; send the same request again: a stored one is "
   "recognised and not repeated",
   again},
  {errc::too_many_requests, "too_many_requests",
   "the shard or connection has as many requests in flight as its limit allows, or a quota is used "
   "up; wait as told and send it again",
   again},
  {errc::permission_denied, "permission_denied",
   "this connection may not do that; use an account, or an address, that is allowed to", as_it_is},

  {errc::frame_malformed, "frame_malformed",
   "the bytes received are not a valid frame, so the connection is closed; check that both ends "
   "speak Carafe's protocol and use the same TLS setting",
   as_it_is},
  {errc::frame_too_large, "frame_too_large",
   "a frame is larger than the node's frame-bytes-max, so the connection is closed; send smaller "
   "batches or raise the limit",
   as_it_is},
  {errc::version_mismatch, "version_mismatch",
   "client and node share no protocol version; upgrade the older one", as_it_is},
  {errc::hello_expected, "hello_expected",
   "the first frame on a connection was not `hello`; send `hello` before anything else", as_it_is},
  {errc::disconnected, "disconnected",
   "the connection was lost; connect again and repeat what was not answered", again},
  {errc::connection_refused, "connection_refused",
   "no node answers at this address; check address and port, and that the node runs", again},
  {errc::too_many_connections, "too_many_connections",
   "the node has as many connections as its limit allows; close idle ones or raise the limit",
   again},
  {errc::listen_failed, "listen_failed",
   "the node cannot open its port; choose another listen-address or client-port, or stop the "
   "program that has it",
   as_it_is},

  {errc::batch_malformed, "batch_malformed",
   "the batch's columns do not fit together, so nothing of it was stored; correct the client that "
   "encoded it",
   as_it_is},
  {errc::batch_too_large, "batch_too_large",
   "the batch has more messages or bytes than the node takes in one; split it", as_it_is},
  {errc::message_too_large, "message_too_large",
   "the message is larger than the node's message-bytes-max; send it in parts or raise the limit",
   as_it_is},
  {errc::checksum_mismatch, "checksum_mismatch",
   "the batch's bytes were changed on their way, so nothing was stored; send it again, and check "
   "the machine and network if it recurs",
   again},
  {errc::codec_unknown, "codec_unknown",
   "the batch is compressed in a way this version does not know; use none, lz4 or zstd", as_it_is},

  {errc::sequence_gap, "sequence_gap",
   "an earlier batch of this producer on this queue is missing; send the missing one first",
   as_it_is},
  {errc::duplicate_too_old, "duplicate_too_old",
   "the batch was stored before, but its receipt is no longer remembered; take it as stored, its "
   "offset is not known",
   as_it_is},
  {errc::producer_unknown, "producer_unknown",
   "the queue does not remember this producer, which was idle too long; begin again with a new "
   "producer id",
   as_it_is},
  {errc::too_many_producers, "too_many_producers",
   "the shard remembers as many producers as its limit allows; reuse producers, or raise the limit "
   "or shorten their expiry",
   as_it_is},
  {errc::tx_unknown, "tx_unknown",
   "no transaction of this name is open, and none ended lately; look at `carafe tx list`",
   as_it_is},
  {errc::tx_ended, "tx_ended",
   "the transaction has ended the other way, as the detail says; begin another one", as_it_is},
  {errc::too_many_transactions, "too_many_transactions",
   "the shard has as many open transactions, or bytes of half messages, as the limit in the detail "
   "allows; end some or raise it",
   as_it_is},
  {errc::producer_fenced, "producer_fenced",
   "another producer has opened this name since, or it was forgotten; stop this one, or open the "
   "name again and send again what is not answered",
   as_it_is},
  {errc::too_many_ids, "too_many_ids",
   "the shard remembers as many message ids as it can; shorten the topics' dedup windows, or wait "
   "until older ids are past theirs",
   again},
  {errc::key_required, "key_required",
   "the topic is compacted, so each of its messages needs a key; give one, or use another topic",
   as_it_is},

  {errc::topic_unknown, "topic_unknown",
   "no topic of this name; create it, or let the node create topics on use", as_it_is},
  {errc::topic_exists, "topic_exists",
   "a topic of this name is there already; use it, choose another name, or delete it first",
   as_it_is},
  {errc::topic_name_invalid, "topic_name_invalid",
   "a topic's name is 1 to 127 letters, digits, '.', '_' or '-', the first no '.' or '-'; choose "
   "another",
   as_it_is},
  {errc::queue_unknown, "queue_unknown",
   "no queue of this number or id, or its topic was deleted; look the topic up again", as_it_is},
  {errc::too_many_queues, "too_many_queues",
   "the topic or node would have more queues than its limit allows; ask for fewer or raise the "
   "limit",
   as_it_is},
  {errc::queues_cannot_shrink, "queues_cannot_shrink",
   "a topic never loses queues, since their messages would be lost; create a new topic with fewer",
   as_it_is},
  {errc::offset_out_of_range, "offset_out_of_range",
   "the offset is below what retention kept or past the queue's end; begin at earliest, latest or "
   "an offset between them",
   as_it_is},
  {errc::too_many_topics, "too_many_topics",
   "the cluster has as many topics as its limit allows; delete unused ones or raise the limit",
   as_it_is},
  {errc::timer_unknown, "timer_unknown",
   "no such message waits for its time now: it was delivered or cancelled, or there never was one",
   as_it_is},
  {errc::too_many_timers, "too_many_timers",
   "as many messages wait for their time as the limit allows; cancel some or raise timers-max",
   as_it_is},
  {errc::schedule_unknown, "schedule_unknown", "no schedule of this name; list those there are",
   as_it_is},
  {errc::schedule_exists, "schedule_exists",
   "a schedule of this name is there already; choose another name, or delete it first", as_it_is},
  {errc::schedule_invalid, "schedule_invalid",
   "the schedule's times or message cannot be understood; correct what the detail names", as_it_is},
  {errc::too_many_schedules, "too_many_schedules",
   "there are as many schedules as the limit allows; delete unused ones", as_it_is},

  {errc::group_unknown, "group_unknown",
   "no consumer group of this name; it appears when its first member joins", as_it_is},
  {errc::group_in_use, "group_in_use",
   "the group has members or work under way, and this needs it idle; stop its consumers, or do as "
   "the detail says",
   as_it_is},
  {errc::group_name_invalid, "group_name_invalid",
   "a group's name is 1 to 127 letters, digits, '.', '_' or '-', the first no '.' or '-'; choose "
   "another",
   as_it_is},
  {errc::subscription_mismatch, "subscription_mismatch",
   "the group subscribes to other topics, in another mode or with another filter; give all members "
   "the same, change the group with `carafe group alter`, or use another group",
   as_it_is},
  {errc::member_unknown, "member_unknown",
   "the node does not know this member, or took it for dead; join the group again", as_it_is},
  {errc::not_owner, "not_owner",
   "the queue has gone to another member since; drop what was read from it, its new owner goes on "
   "from the last commit",
   as_it_is},
  {errc::commit_out_of_range, "commit_out_of_range",
   "the committed offset is past the queue's end; commit the offset after the last handled message",
   as_it_is},
  {errc::too_many_groups, "too_many_groups",
   "the cluster has as many consumer groups as it may have, or the connection answers for as many "
   "producer groups; delete unused ones, or use another connection",
   as_it_is},
  {errc::too_many_members, "too_many_members",
   "the group has as many members as it may have; stop some, or let each do more", as_it_is},
  {errc::subscription_unknown, "subscription_unknown",
   "the connection has no subscription of this number, or it has ended; subscribe again", as_it_is},
  {errc::too_many_subscriptions, "too_many_subscriptions",
   "the connection has as many subscriptions as it may have; end some, or use another connection",
   as_it_is},
  {errc::group_exists, "group_exists",
   "a group of this name is there already and is another one; use it as it is, change it, or "
   "choose another name",
   as_it_is},
  {errc::group_changed, "group_changed",
   "the group was changed since it was looked at; look at it again and repeat the change",
   as_it_is},
  {errc::filter_invalid, "filter_invalid",
   "the filter cannot be understood or is too large; correct it at the column that the detail "
   "names",
   as_it_is},
  {errc::name_in_use, "name_in_use",
   "another consumer of the group is connected under this name; stop it, or choose another name",
   as_it_is},
  {errc::too_many_names, "too_many_names",
   "there are as many names, of the group's consumers or of producers, as the limit allows; forget "
   "unused ones or raise the limit",
   as_it_is},

  {errc::not_leader, "not_leader",
   "another node leads this shard now; send the request to the node named in the detail", again},
  {errc::storage_full, "storage_full",
   "the disk is under its low-space mark; free space or shorten retention, writing then resumes by "
   "itself",
   again},
  {errc::storage_failed, "storage_failed",
   "the disk refused to read or write; look at the node's log and the machine's disk", as_it_is},
  {errc::storage_corrupt, "storage_corrupt",
   "stored bytes do not match their checksum or form; restore the named file from a backup",
   as_it_is},
  {errc::storage_locked, "storage_locked",
   "another process uses this data folder; stop it, or give this node a folder of its own",
   as_it_is},
  {errc::format_newer, "format_newer",
   "the data was written by a newer version; start that version or a later one", as_it_is},
  {errc::format_foreign, "format_foreign",
   "the folder holds something that is not this node's data; name an empty folder or the right one",
   as_it_is},
  {errc::shard_unavailable, "shard_unavailable",
   "the shard or group is not served at the moment; wait a little and send the request again",
   again},
  {errc::not_found, "not_found", "what was asked for is not there; check the name in the detail",
   as_it_is},
  {errc::already_exists, "already_exists",
   "what was to be made is there already; choose another name or remove it first", as_it_is},

  {errc::config_unknown_key, "config_unknown_key",
   "the configuration has a key that Carafe does not know; correct its spelling or remove it",
   as_it_is},
  {errc::config_wrong_type, "config_wrong_type",
   "a value in the configuration is not of its key's type; write it as the annotated example does",
   as_it_is},
  {errc::config_out_of_range, "config_out_of_range",
   "a value in the configuration is outside its key's range; choose one within the range in the "
   "detail",
   as_it_is},
  {errc::config_unreadable, "config_unreadable",
   "the configuration file cannot be read; check its path, permissions and form", as_it_is},
};

const row* find(errc code) noexcept {
  for (auto& candidate : rows) {
    if (candidate.code == code) return &candidate;
  }
  return nullptr;
}

const row& find_or_internal(errc code) noexcept {
  auto found = find(code);
  return found ? *found : *find(errc::internal);
}

} // namespace

std::string_view to_string(errc code) noexcept { return find_or_internal(code).name; }

std::string_view explain(errc code) noexcept { return find_or_internal(code).sentence; }

errc errc_from_number(std::uint16_t number) noexcept {
  return find_or_internal(static_cast<errc>(number)).code;
}

bool is_retriable(errc code) noexcept { return find_or_internal(code).retriable; }

std::string failure::message() const {
  auto text = std::string{to_string(code)};
  text += ": ";
  text += explain(code);
  if (!detail.empty()) {
    text += " (";
    text += detail;
    text += ')';
  }
  return text;
}

} // namespace carafe
