/// The data team: counts what happened to orders since a moment in the past, which it reads again
/// from the log. The moment (Unix ms) is in the file `since`, its report goes to `report`.

#include "test/demo/orders/reading.hpp"
#include "test/demo/orders/service.hpp"

#include <fstream>

using namespace carafe;
using namespace carafe::demo::orders;

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings& how, const client::client& node) {
    std::int64_t since = 0;
    if (!(std::ifstream{how.folder + "/since"} >> since)) throw std::runtime_error{"since when?"};
    std::map<std::string, std::uint64_t> counts;
    start_position from;
    from.at = start_position::kind::at_time;
    from.time = unix_ms{since};
    read_all(node, "orders", from, [&](const client::delivery& d) {
      // A queue is read from the batch on that has the moment.
      if (d.broker_time.value >= since) ++counts[d.body];
    });
    std::ofstream report{how.folder + "/report"};
    for (const auto& [what, count] : counts) report << what << ' ' << count << '\n';
  });
}
