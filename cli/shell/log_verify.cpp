#include "cli/shell/commands.hpp"
#include "cli/shell/utf8.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"
#include "storage/data_dir.hpp"

namespace carafe::shell {

namespace {

record report_record(const storage::verify_report& report) {
  std::vector<record> damage;
  for (const auto& d : report.damage) {
    record row;
    row.add("file", value::text(d.file));
    row.add("index", value::id(d.index.value));
    row.add("what", value::text(d.what));
    damage.push_back(std::move(row));
  }
  record r;
  r.add("ok",
        value::boolean(report.damage.empty()).in(report.damage.empty() ? tone::good : tone::bad));
  r.add("shards", value::count(report.shards));
  r.add("segments", value::count(report.segments));
  r.add("entries", value::count(report.entries));
  r.add("messages", value::count(report.messages));
  r.add("queues", value::count(report.queues));
  r.add("bytes", value::size(report.bytes));
  r.add("key_indices", value::count(report.key_indices));
  r.add("damage", value::table(std::move(damage)));
  r.add("notes", value::names(report.notes));
  return r;
}

} // namespace

command log_verify_command() {
  auto path = std::make_shared<std::string>();
  command c{.name = "log verify", .summary = "Check every entry of a stopped node's log."};
  c.details = "Walks every segment: pages, checksums, the index against the log, dense indices and "
              "offsets, the indices of keys. Changes nothing, and refuses a directory that a node "
              "uses. Damage is "
              "listed, the first of each shard, and the exit code is 1.";
  c.examples = {"carafe log verify carafe-data"};
  c.options = {
    text("DATA_DIR", "", *path, "The node's data directory.").must().completed_by(completes::path)};
  c.run = [path](command_context& context) {
    auto dir = storage::data_dir::open_existing(*path);
    if (!dir) return context.fail(dir.error());
    auto report = storage::verify(*dir);
    if (!report) return context.fail(report.error());
    context.show(report_record(*report));
    if (report->damage.empty()) return exit_code::ok;
    const auto& first = report->damage.front();
    return context.fail(
      {errc::storage_corrupt,
       first.file + ", index " + std::to_string(first.index.value) + ": " + first.what});
  };
  return c;
}

} // namespace carafe::shell
