#include "test/e2e/shell_process.hpp"

#include "test/build_paths.hpp"

#include <sstream>
#include <stdexcept>
#include <utility>

namespace carafe::test {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

} // namespace

std::vector<std::string> shell_answer::lines() const { return lines_of(out); }

nlohmann::json shell_answer::object() const { return nlohmann::json::parse(out); }

std::vector<nlohmann::json> shell_answer::objects() const {
  std::vector<nlohmann::json> objects;
  for (const auto& line : lines()) objects.push_back(nlohmann::json::parse(line));
  return objects;
}

std::string shell_answer::error_code() const {
  return nlohmann::json::parse(lines_of(err).at(0)).at("error").at("code");
}

shell::shell(std::filesystem::path folder, const node_process& node)
  : folder_(std::move(folder)), address_(node.address()) {}

process_options shell::options(std::vector<std::string> arguments, std::string input) {
  process_options out;
  out.program = carafe_path;
  out.arguments = std::move(arguments);
  out.input = std::move(input);
  out.environment = {"CARAFE_NODE=" + address_};
  out.folder = folder_ / ("shell-" + std::to_string(++runs_));
  return out;
}

shell_answer shell::operator()(std::vector<std::string> arguments, std::string input,
                               std::chrono::milliseconds within) {
  auto done = run_process(options(std::move(arguments), std::move(input)), within);
  if (done.end.by_signal)
    throw std::runtime_error{"carafe ended by " + to_string(done.end) + ": " + done.err};
  return {done.end.code, std::move(done.out), std::move(done.err)};
}

shell_answer shell::json(std::vector<std::string> arguments, std::string input) {
  arguments.emplace_back("--json");
  return (*this)(std::move(arguments), std::move(input));
}

std::unique_ptr<process> shell::launch(std::vector<std::string> arguments, std::string input) {
  return std::make_unique<process>(options(std::move(arguments), std::move(input)));
}

} // namespace carafe::test
