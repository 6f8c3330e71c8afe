#include "actors/process_usage.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace carafe;

TEST_CASE("what a process has written is what it gave to write calls, not what it sent") {
  if (::access("/proc/self/io", R_OK) != 0) return; // A kernel that does not count.
  const std::string page(4'096, 'p');
  const int file = ::memfd_create("pages", MFD_CLOEXEC);
  std::array<int, 2> ends{};
  REQUIRE(file >= 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);

  auto before = usage_of_this_process().disk_written_bytes;
  // The same page ten times: each time counts, and counts no more than the page.
  for (int i = 0; i < 10; ++i)
    REQUIRE(::pwrite(file, page.data(), page.size(), 0) == static_cast<ssize_t>(page.size()));
  CHECK(usage_of_this_process().disk_written_bytes - before == 10 * page.size());

  before = usage_of_this_process().disk_written_bytes;
  REQUIRE(::send(ends[0], page.data(), page.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(page.size()));
  CHECK(usage_of_this_process().disk_written_bytes == before);
  for (int fd : {file, ends[0], ends[1]}) ::close(fd);
}
