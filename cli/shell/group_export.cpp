#include "cli/shell/commands.hpp"
#include "cli/shell/offsets_file.hpp"
#include "cli/shell/text_file.hpp"
#include "cli/shell/views.hpp"

#include <filesystem>
#include <system_error>

namespace carafe::shell {

namespace {

struct export_options {
  std::string group, file;
  bool overwrite = false;
};

/// What the file cannot say.
std::string caution(const client::group_info& group) {
  std::uint64_t open = 0;
  for (const auto& q : group.queues) open += q.in_flight + q.waiting;
  if (open == 0) return {};
  return counted(open, "message") +
         " of the group: in flight, or waiting for another attempt; offsets tell nothing of them\n";
}

exit_code export_offsets(const export_options& o, command_context& context) {
  auto group = context.node()->describe_group(o.group);
  if (!group) return context.fail(group.error());
  if (group->mode == "broadcast") return context.fail(offsets_of_names(group->name));
  const auto text = to_text(offsets_of(*group, context.now));
  if (!context.globals.json) context.terminal.write_error(caution(*group));
  if (o.file == "-") {
    context.terminal.write(text);
    return exit_code::ok;
  }
  if (auto wrong = write_text_file(o.file, text, o.overwrite)) {
    std::error_code ignored;
    const bool there = !o.overwrite && std::filesystem::exists(o.file, ignored);
    return context.fail("output_failed",
                        wrong->text + (there ? "; --overwrite replaces the file" : ""));
  }
  record r;
  r.add("group", value::text(o.group));
  r.add("file", value::text(o.file));
  r.add("queues", value::count(group->queues.size()));
  return context.done(r, "offsets of " + counted(group->queues.size(), "queue") + " of group " +
                           o.group + " written to " + o.file);
}

} // namespace

command group_export_command() {
  auto o = std::make_shared<export_options>();
  command c{.name = "group export", .summary = "Write a group's committed offsets to a file."};
  c.details = "The file is JSON, for people to read and for 'group import'. Of shared and keyed "
              "groups it holds where reading would begin, not what waits or was done out of order.";
  c.examples = {"carafe group export billing billing-offsets.json",
                "carafe group export billing -"};
  c.options = {
    text("GROUP", "", o->group, "The group.").must().completed_by(completes::group),
    text("FILE", "", o->file, "The new file; -: stdout.").must().completed_by(completes::path),
    flag("--overwrite", o->overwrite, "The file may be there already.")};
  c.run = [o](command_context& context) { return export_offsets(*o, context); };
  return c;
}

} // namespace carafe::shell
