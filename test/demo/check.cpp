/// Compares what went in with what came out: every record there, at the place of its receipt, the
/// records of a key in order. Writes both sides sorted, for a checksum of each.

#include "test/demo/delivery_file.hpp"
#include "test/demo/records.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace carafe::demo;

using place = std::pair<std::uint32_t, std::uint64_t>;

struct tally {
  std::uint64_t sent = 0, received = 0, repeated = 0, keys = 0;
  std::uint64_t misplaced = 0, disordered = 0, differing = 0, gaps = 0;
};

/// What came out, once for each place, in the order of the queues.
struct reassembled {
  std::map<place, received_record> records;
  std::uint64_t repeated = 0;
  /// The same place with another record: must not be.
  std::uint64_t differing = 0;

  void take(const received_record& r) {
    const auto [at, is_new] = records.emplace(place{r.queue, r.offset}, r);
    if (is_new) return;
    ++repeated;
    if (at->second.body != r.body || at->second.key != r.key) ++differing;
  }
};

std::vector<place> read_receipts(const std::string& path, std::size_t count) {
  std::istringstream in{read_whole_file(path)};
  std::vector<place> places;
  for (place p; in >> p.first >> p.second;) places.push_back(p);
  if (places.size() != count)
    throw std::runtime_error{std::to_string(places.size()) + " receipts for " +
                             std::to_string(count) + " records"};
  return places;
}

/// Offsets that are missing below the last one of a queue.
std::uint64_t gaps_in(const reassembled& out) {
  std::map<std::uint32_t, std::uint64_t> count, end;
  for (const auto& [p, r] : out.records) {
    ++count[p.first];
    end[p.first] = p.second + 1;
  }
  std::uint64_t gaps = 0;
  for (const auto& [queue, last] : end) gaps += last - count[queue];
  return gaps;
}

/// Records that are not where their key's next one of the file should be.
std::uint64_t disorder_in(const std::vector<package_record>& in, const reassembled& out,
                          std::uint64_t& keys) {
  std::unordered_map<std::string_view, std::vector<std::string_view>> wanted;
  for (const auto& r : in) wanted[r.key].push_back(r.body);
  keys = wanted.size();
  std::unordered_map<std::string_view, std::size_t> next;
  std::uint64_t wrong = 0;
  for (const auto& [p, r] : out.records) {
    const auto of_key = wanted.find(r.key);
    const auto turn = next[r.key]++;
    if (of_key == wanted.end() || turn >= of_key->second.size() || of_key->second[turn] != r.body)
      ++wrong;
  }
  return wrong;
}

void write_sorted(const std::string& path, std::vector<std::string_view> bodies) {
  std::sort(bodies.begin(), bodies.end());
  std::string all;
  for (const auto body : bodies) {
    all += body;
    all += "\n\n";
  }
  write_whole_file(path, all);
}

struct assignment {
  std::string records_path, receipts_path, sorted_in, sorted_out;
  std::size_t most = 0;
  std::vector<std::string> deliveries;
};

tally check(const assignment& a) {
  const auto text = read_whole_file(a.records_path);
  const auto in = split_records(text, a.most);
  std::vector<std::string> files;
  for (const auto& path : a.deliveries) files.push_back(read_whole_file(path));
  reassembled out;
  for (const auto& file : files)
    for (const auto& r : read_records(file)) out.take(r);

  tally t;
  t.sent = in.size();
  t.received = out.records.size();
  t.repeated = out.repeated;
  t.differing = out.differing;
  t.gaps = gaps_in(out);
  t.disordered = disorder_in(in, out, t.keys);
  const auto receipts = read_receipts(a.receipts_path, in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto at = out.records.find(receipts[i]);
    if (at == out.records.end() || at->second.body != in[i].body) ++t.misplaced;
  }
  std::vector<std::string_view> sent, received;
  for (const auto& r : in) sent.push_back(r.body);
  for (const auto& [p, r] : out.records) received.push_back(r.body);
  write_sorted(a.sorted_in, std::move(sent));
  write_sorted(a.sorted_out, std::move(received));
  return t;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 7) {
    std::cerr << "usage: demo_check RECORDS RECEIPTS SORTED_IN SORTED_OUT MOST DELIVERIES...\n";
    return 2;
  }
  const auto t =
    check({argv[1], argv[2], argv[3], argv[4], std::stoul(argv[5]), {argv + 6, argv + argc}});
  std::cout << "sent=" << t.sent << "\nreceived=" << t.received << "\nrepeated=" << t.repeated
            << "\nkeys=" << t.keys << "\nmisplaced=" << t.misplaced
            << "\ndisordered=" << t.disordered << "\ndiffering=" << t.differing
            << "\ngaps=" << t.gaps << '\n';
  const auto wrong = t.misplaced + t.disordered + t.differing + t.gaps;
  return wrong == 0 && t.sent == t.received ? 0 : 1;
} catch (const std::exception& e) {
  std::cerr << "demo_check: " << e.what() << '\n';
  return 1;
}
