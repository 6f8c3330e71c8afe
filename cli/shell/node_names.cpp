#include "cli/shell/node_names.hpp"

#include <filesystem>

namespace carafe::shell {

namespace {

constexpr std::chrono::milliseconds answer_timeout{300};
constexpr std::chrono::seconds names_kept{3};

template <class Line>
result<std::vector<std::string>> names_of(const result<std::vector<Line>>& lines) {
  if (!lines) return lines.error();
  std::vector<std::string> names;
  for (const auto& line : *lines) names.push_back(line.name);
  return names;
}

} // namespace

node_names::node_names(node_source nodes, std::string address)
  : nodes_(std::move(nodes)), address_(std::move(address)) {}

void node_names::refresh(remembered& what,
                         const std::function<result<std::vector<std::string>>(node_api&)>& ask) {
  if (clock::now() < what.until) return;
  client::connect_options options;
  options.node = address_;
  options.name = "carafe completion";
  options.timeout = answer_timeout;
  auto names = ask(*nodes_(options));
  what.answered = names.ok();
  what.names = names ? std::move(names).value() : std::vector<std::string>{};
  what.until = clock::now() + names_kept;
}

std::vector<std::string> node_names::topics() {
  refresh(topics_, [](node_api& node) { return names_of(node.list_topics()); });
  return topics_.names;
}

std::vector<std::string> node_names::groups() {
  refresh(groups_, [](node_api& node) { return names_of(node.list_groups()); });
  return groups_.names;
}

bool node_names::node_answers() {
  topics();
  return topics_.answered;
}

std::vector<std::string> node_names::paths(const std::string& prefix) {
  namespace fs = std::filesystem;
  const auto slash = prefix.rfind('/');
  const auto folder = slash == std::string::npos ? std::string{} : prefix.substr(0, slash + 1);
  const bool hidden = prefix.substr(folder.size()).starts_with('.');
  std::vector<std::string> found;
  std::error_code error;
  fs::directory_iterator at{folder.empty() ? "." : folder, error};
  for (; !error && at != fs::directory_iterator{}; at.increment(error)) {
    const auto name = at->path().filename().string();
    if (name.starts_with('.') != hidden) continue;
    std::error_code unknown;
    found.push_back(folder + name + (at->is_directory(unknown) ? "/" : ""));
  }
  return found;
}

} // namespace carafe::shell
