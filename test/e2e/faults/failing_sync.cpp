/// Preloaded into a node: while the file named by CARAFE_SYNC_FAILS exists, the disk refuses to
/// sync, as one does that is about to die.

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

namespace {

bool fails() {
  const char* path = std::getenv("CARAFE_SYNC_FAILS");
  return path != nullptr && ::access(path, F_OK) == 0;
}

template <class Function, class... Args>
int pass_on(const char* name, Args... args) {
  if (fails()) {
    errno = EIO;
    return -1;
  }
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name))(args...);
}

} // namespace

extern "C" {

int fsync(int fd) { return pass_on<int (*)(int)>("fsync", fd); }
int fdatasync(int fd) { return pass_on<int (*)(int)>("fdatasync", fd); }
int msync(void* address, std::size_t length, int flags) {
  return pass_on<int (*)(void*, std::size_t, int)>("msync", address, length, flags);
}
}
