#include "cli/shell/commands.hpp"
#include "cli/shell/offsets_import.hpp"
#include "cli/shell/text_file.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

struct import_options {
  std::string file;
  std::optional<std::string> group;
  bool clamp = false, dry_run = false;
};

/// Sets what is planned, queue by queue: one that fails does not keep the others back.
void carry_out(std::vector<offset_change>& changes, const std::string& group, node_api& node) {
  using outcome = offset_change::outcome;
  for (auto& change : changes) {
    if (change.what != outcome::planned) continue;
    auto moved = node.reset_group(group, change.topic, change.number,
                                  {start_position::kind::at_offset, *change.to, {}}, {});
    change.what = moved ? outcome::set : outcome::failed;
    if (!moved) change.detail = moved.error().message();
  }
}

exit_code import_offsets(const import_options& o, command_context& context) {
  if (o.file == "-" && context.stdin_taken)
    return context.misused("group import: stdin holds the commands; name a file");
  auto text = read_text_file(o.file, context.terminal.in());
  if (const auto* wrong = std::get_if<file_error>(&text))
    return context.fail("input_unreadable", wrong->text);
  auto file = parse_offsets(std::get<std::string>(text));
  if (!file) return context.fail({file.error().code, o.file + ": " + file.error().detail});
  const auto name = o.group.value_or(file->group);
  auto node = context.node();
  auto group = node->describe_group(name);
  if (!group) return context.fail(group.error());
  if (group->mode == "broadcast") return context.fail(offsets_of_names(group->name));
  if (group->mode != file->mode && !context.globals.json)
    context.terminal.write_error("the file is of a group of mode " + file->mode + ", and " + name +
                                 " is " + group->mode + '\n');
  auto changes = plan_import(*file, *group, o.clamp);
  if (!o.dry_run) carry_out(changes, name, *node);
  std::vector<record> rows;
  std::uint64_t good = 0, bad = 0;
  for (const auto& change : changes) {
    using outcome = offset_change::outcome;
    good += change.what == outcome::set || change.what == outcome::planned;
    bad += change.what == outcome::refused || change.what == outcome::failed;
    rows.push_back(change_view(change));
  }
  context.show(rows, "neither the file nor the group has any queue");
  if (!context.globals.json) {
    auto sum = counted(good, "queue") + (o.dry_run ? " would be set" : " set");
    if (bad > 0) sum += ", " + count_text(bad) + " not";
    context.terminal.write_error(sum + (o.dry_run ? "; nothing was changed\n" : "\n"));
  }
  return bad > 0 ? exit_code::failed : exit_code::ok;
}

} // namespace

command group_import_command() {
  auto o = std::make_shared<import_options>();
  command c{.name = "group import", .summary = "Set a group's committed offsets from a file."};
  c.details =
    "The file is one that 'group export' wrote. If one of its offsets cannot be set because the "
    "queue does not keep it, or is not the group's, none is set. Otherwise they are set one queue "
    "after another, as 'group reset' does it; the exit code is 1 if one of them failed.";
  c.examples = {"carafe group import billing-offsets.json --dry-run",
                "carafe group import billing-offsets.json --group billing-2 --clamp"};
  c.options = {
    text("FILE", "", o->file, "The file; -: stdin.").must().completed_by(completes::path),
    name("--group", "G", o->group, "Another group than the file's.").completed_by(completes::group),
    flag("--clamp", o->clamp,
         "An offset that the queue does not keep becomes the nearest it does."),
    flag("--dry-run", o->dry_run, "Only show what would be set.")};
  c.run = [o](command_context& context) { return import_offsets(*o, context); };
  return c;
}

} // namespace carafe::shell
