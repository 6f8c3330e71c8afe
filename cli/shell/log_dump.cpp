#include "cli/shell/commands.hpp"
#include "cli/shell/entry_view.hpp"
#include "cli/shell/utf8.hpp"
#include "storage/data_dir.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

/// Entries are written out when so many bytes of them have gathered.
constexpr std::size_t write_bytes = 64 * 1024;

struct dump_options {
  std::string path;
  shard_id shard;
  entry_index from;
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

exit_code dump(const dump_options& o, command_context& context) {
  auto dir = storage::data_dir::open_existing(o.path);
  if (!dir) return context.fail(dir.error());
  auto shards = dir->shards();
  if (std::find(shards.begin(), shards.end(), o.shard) == shards.end()) {
    std::string kept;
    for (auto s : shards) kept += (kept.empty() ? "" : ", ") + std::to_string(s.value);
    return context.fail({errc::not_found, o.path + " has no shard " +
                                            std::to_string(o.shard.value) + "; it has " + kept});
  }
  std::string pending;
  std::uint64_t left = o.count;
  auto show = [&](const decoded_entry& entry, std::string_view file) {
    if (left == 0) return false;
    --left;
    pending += context.globals.json ? to_json(entry_view(entry, o.shard, file))
                                    : printable(entry_line(entry));
    pending += '\n';
    if (pending.size() >= write_bytes) {
      if (!context.terminal.write(pending)) return false;
      pending.clear();
    }
    return left > 0;
  };
  auto dumped = left == 0 ? result<void>{} : storage::dump(*dir, o.shard, o.from, show);
  context.terminal.write(pending);
  return dumped ? exit_code::ok : context.fail(dumped.error());
}

} // namespace

command log_dump_command() {
  auto o = std::make_shared<dump_options>();
  command c{.name = "log dump", .summary = "Print the entries of a stopped node's log."};
  c.details = "Changes nothing, and refuses a directory that a node uses. Bodies are not printed; "
              "start a node and consume for them.";
  c.examples = {"carafe log dump carafe-data", "carafe log dump carafe-data --from 1200 --count 20",
                "carafe log dump carafe-data --shard 1 --json"};
  c.options = {text("DATA_DIR", "", o->path, "The node's data directory.")
                 .must()
                 .completed_by(completes::path),
               number<shard_id>("--shard", "N", o->shard, "The shard (default 0).", 0, 65'535),
               number<entry_index>("--from", "INDEX", o->from,
                                   "The first entry (default: the first that is kept)."),
               number<std::uint64_t>("--count", "N", o->count, "At most so many (default: all).")};
  c.run = [o](command_context& context) { return dump(*o, context); };
  return c;
}

} // namespace carafe::shell
