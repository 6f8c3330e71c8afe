#include "schema/batch.hpp"

#include <bit>

namespace carafe {
namespace {

/// SipHash-2-4 with 128 bits of output, as its authors' reference has it.
class sip_hash {
public:
  sip_hash(std::uint64_t k0, std::uint64_t k1)
    : v0_(k0 ^ 0x736f6d6570736575ull),
      v1_(k1 ^ 0x646f72616e646f6dull ^ 0xeeu),
      v2_(k0 ^ 0x6c7967656e657261ull),
      v3_(k1 ^ 0x7465646279746573ull) {}

  void word(std::uint64_t m) {
    v3_ ^= m;
    rounds(2);
    v0_ ^= m;
  }
  id_digest finish() {
    v2_ ^= 0xeeu;
    rounds(4);
    const auto first = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xddu;
    rounds(4);
    return {first, v0_ ^ v1_ ^ v2_ ^ v3_};
  }

private:
  void rounds(int count) {
    for (; count > 0; --count) {
      v0_ += v1_;
      v2_ += v3_;
      v1_ = std::rotl(v1_, 13) ^ v0_;
      v3_ = std::rotl(v3_, 16) ^ v2_;
      v0_ = std::rotl(v0_, 32);
      v2_ += v1_;
      v0_ += v3_;
      v1_ = std::rotl(v1_, 17) ^ v2_;
      v3_ = std::rotl(v3_, 21) ^ v0_;
      v2_ = std::rotl(v2_, 32);
    }
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

std::uint64_t little(std::string_view bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return out;
}

} // namespace

id_digest digest_of(std::string_view dedup_id) noexcept {
  auto hash = sip_hash{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
  auto rest = dedup_id;
  for (; rest.size() >= 8; rest.remove_prefix(8)) hash.word(little(rest.substr(0, 8)));
  hash.word(little(rest) | std::uint64_t{dedup_id.size() & 0xff} << 56);
  return hash.finish();
}

} // namespace carafe
