#pragma once

#include <fcntl.h>

namespace carafe {

/// Takes the places of standard streams that this program was started without, so that no file it
/// opens becomes one of them. Reading or writing there fails, as without.
inline void hold_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream)
    if (::fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
}

} // namespace carafe
