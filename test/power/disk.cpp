#include "test/power/disk.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <system_error>
#include <unistd.h>

namespace carafe::power {

namespace {

[[noreturn]] void failed(const std::filesystem::path& path) {
  throw std::system_error{errno, std::generic_category(), path.string()};
}

} // namespace

std::vector<io_event> read_trace(std::string_view bytes) {
  std::vector<io_event> events;
  while (bytes.size() >= sizeof(io_record)) {
    io_event event;
    std::memcpy(&event.record, bytes.data(), sizeof event.record);
    const auto all = sizeof event.record + event.record.payload_bytes;
    if (bytes.size() < all) break;
    event.payload = bytes.substr(sizeof event.record, event.record.payload_bytes);
    bytes.remove_prefix(all);
    events.push_back(event);
  }
  return events;
}

disk::disk(std::uint64_t root) : root_(++nodes_) {
  node_by_inode_[root] = root_;
  folders_[root_];
}

std::uint64_t disk::node_of(std::uint64_t inode) const {
  const auto at = node_by_inode_.find(inode);
  if (at == node_by_inode_.end()) throw std::runtime_error{"the trace tells of an unknown inode"};
  return at->second;
}

void disk::apply(const io_event& event) {
  const auto& r = event.record;
  switch (r.what) {
  case io::process:
    // Syncs that the process did not hear of promise nothing.
    for (auto& [node, f] : files_) f.syncs.clear();
    for (auto& [node, f] : folders_) f.syncs.clear();
    return;
  case io::made_file:
  case io::made_folder: {
    const auto node = ++nodes_;
    node_by_inode_[r.other] = node;
    if (r.what == io::made_file)
      files_[node];
    else
      folders_[node];
    change_names(folders_.at(node_of(r.file)), {{std::string{event.payload}, node}});
    return;
  }
  case io::removed:
    change_names(folders_.at(node_of(r.file)), {{std::string{event.payload}, std::nullopt}});
    return;
  case io::renamed:
    rename(event);
    return;
  case io::written:
    write(files_.at(node_of(r.file)), r.offset, event.payload, r.other == 1);
    return;
  case io::resized: {
    auto& f = files_.at(node_of(r.file));
    if (r.other == 0 || f.present_size < r.offset) resize(f, r.offset);
    return;
  }
  case io::sync_begins: {
    const auto node = node_of(r.file);
    if (const auto f = files_.find(node); f != files_.end())
      f->second.syncs[r.other] = changes_;
    else
      folders_.at(node).syncs[r.other] =
        folders_.at(node).settled + folders_.at(node).pending.size();
    return;
  }
  case io::sync_ended: {
    const auto node = node_of(r.file);
    if (const auto f = files_.find(node); f != files_.end()) {
      settle(f->second, f->second.syncs.at(r.other));
      f->second.syncs.erase(r.other);
      return;
    }
    auto& f = folders_.at(node);
    for (; f.settled < f.syncs.at(r.other); ++f.settled) {
      for (const auto& change : f.pending.front())
        if (change.node)
          f.names[change.name] = *change.node;
        else
          f.names.erase(change.name);
      f.pending.pop_front();
    }
    f.syncs.erase(r.other);
    return;
  }
  case io::accepted:
  case io::sent:
    return;
  }
}

void disk::change_names(folder& in, std::vector<name_change> changes) {
  for (const auto& change : changes)
    if (change.node)
      in.present[change.name] = *change.node;
    else
      in.present.erase(change.name);
  in.pending.push_back(std::move(changes));
}

void disk::rename(const io_event& event) {
  if (event.record.file != event.record.other)
    throw std::runtime_error{"a rename from one folder to another is not modelled"};
  const auto names = event.payload;
  const auto middle = names.find('\0');
  const std::string from{names.substr(0, middle)}, to{names.substr(middle + 1)};
  auto& in = folders_.at(node_of(event.record.file));
  const auto node = in.present.at(from);
  change_names(in, {{from, std::nullopt}, {to, node}});
}

void disk::write(file& f, std::uint64_t at, std::string_view bytes, bool synced) {
  while (!bytes.empty()) {
    const auto number = at / page_bytes;
    const auto begin = at % page_bytes;
    const auto size = std::min<std::size_t>(bytes.size(), page_bytes - begin);
    auto fresh = std::make_shared<page>();
    if (const auto& old = f.present[number])
      *fresh = *old;
    else
      fresh->fill('\0');
    std::memcpy(fresh->data() + begin, bytes.data(), size);
    f.present[number] = fresh;
    if (at + size > f.present_size) {
      f.present_size = at + size;
      f.pending.push_back({++changes_, 0, nullptr, f.present_size});
    }
    f.pending.push_back({++changes_, number, fresh, f.present_size});
    if (synced) {
      // Synced by itself, and nothing else with it but the size.
      f.pages[number] = fresh;
      f.size = std::max(f.size, at + size);
      std::erase_if(f.pending, [number](const data_change& c) {
        return c.content != nullptr && c.page_number == number;
      });
    }
    at += size;
    bytes.remove_prefix(size);
  }
}

void disk::resize(file& f, std::uint64_t size) {
  if (size < f.present_size) {
    f.present.erase(f.present.lower_bound((size + page_bytes - 1) / page_bytes), f.present.end());
    if (const auto rest = size % page_bytes; rest != 0)
      if (auto last = f.present.find(size / page_bytes); last != f.present.end()) {
        auto cut = std::make_shared<page>(*last->second);
        std::fill(cut->begin() + static_cast<std::ptrdiff_t>(rest), cut->end(), '\0');
        last->second = cut;
      }
  }
  f.present_size = size;
  f.pending.push_back({++changes_, 0, nullptr, size});
}

void disk::settle(file& f, std::uint64_t upto) {
  while (!f.pending.empty() && f.pending.front().number <= upto) {
    const auto& change = f.pending.front();
    if (change.content) {
      f.pages[change.page_number] = change.content;
    } else {
      if (change.size < f.size)
        f.pages.erase(f.pages.lower_bound((change.size + page_bytes - 1) / page_bytes),
                      f.pages.end());
      f.size = change.size;
    }
    f.pending.pop_front();
  }
}

void disk::make_image(const std::filesystem::path& to, test::dice& d, const luck& how) const {
  write_folder(folders_.at(root_), to, d, how);
}

void disk::write_folder(const folder& f, const std::filesystem::path& to, test::dice& d,
                        const luck& how) const {
  std::filesystem::create_directory(to);
  auto names = f.names;
  for (const auto& changes : f.pending) {
    if (!d.percent(how.names)) break;
    for (const auto& change : changes)
      if (change.node)
        names[change.name] = *change.node;
      else
        names.erase(change.name);
  }
  for (const auto& [name, node] : names) {
    if (const auto inner = folders_.find(node); inner != folders_.end())
      write_folder(inner->second, to / name, d, how);
    else
      write_file(files_.at(node), to / name, d, how);
  }
}

void disk::write_file(const file& f, const std::filesystem::path& to, test::dice& d,
                      const luck& how) const {
  auto pages = f.pages;
  auto size = f.size;
  for (const auto& change : f.pending) {
    if (!d.percent(how.pages)) continue;
    if (!change.content) {
      if (change.size < size)
        pages.erase(pages.lower_bound((change.size + page_bytes - 1) / page_bytes), pages.end());
      size = change.size;
      continue;
    }
    auto& at = pages[change.page_number];
    if (d.percent(how.torn)) {
      auto torn = std::make_shared<page>();
      if (at)
        *torn = *at;
      else
        torn->fill('\0');
      const auto written = sector_bytes * d.between(1, page_bytes / sector_bytes - 1);
      std::memcpy(torn->data(), change.content->data(), written);
      at = torn;
    } else {
      at = change.content;
    }
    size = std::max(size, std::min((change.page_number + 1) * page_bytes, change.size));
  }
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) failed(to);
  for (const auto& [number, content] : pages) {
    if (number * page_bytes >= size || !content) continue;
    const auto bytes = std::min<std::uint64_t>(page_bytes, size - number * page_bytes);
    if (::pwrite(fd, content->data(), bytes, static_cast<off_t>(number * page_bytes)) !=
        static_cast<ssize_t>(bytes))
      failed(to);
  }
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) failed(to);
  ::close(fd);
}

} // namespace carafe::power
