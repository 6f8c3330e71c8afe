#include "cli/shell/commands.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <filesystem>

namespace carafe::shell {

namespace {

/// A copy of a large log takes its time.
constexpr std::chrono::milliseconds backup_timeout = std::chrono::hours{1};

} // namespace

command log_backup_command() {
  auto path = std::make_shared<std::string>();
  command c{.name = "log backup", .summary = "Copy the data of the running node, consistently."};
  c.details = "The node writes the copy itself, so DEST is a folder on its machine, and the node "
              "takes the request only over loopback. A node started on the copy is the restore. "
              "Without --timeout it may take an hour.";
  c.examples = {"carafe log backup /var/backups/carafe-monday"};
  c.options = {text("DEST", "", *path, "A new folder; it must not exist.")
                 .must()
                 .completed_by(completes::path)};
  c.run = [path](command_context& context) {
    if (path->empty()) return context.misused("log backup: DEST is empty");
    std::error_code error;
    auto absolute = std::filesystem::absolute(*path, error);
    if (error) return context.fail({errc::invalid_argument, *path + ": " + error.message()});
    auto backup = context.node(backup_timeout)->backup(absolute.lexically_normal().string());
    if (!backup) return context.fail(backup.error());
    record r;
    r.add("path", value::text(backup->path));
    r.add("bytes", value::size(backup->bytes));
    r.add("shards", value::count(backup->shards));
    return context.done(r, "copied " + counted(backup->shards, "shard") + ", " +
                             size_text(backup->bytes) + ", to " + backup->path);
  };
  return c;
}

} // namespace carafe::shell
