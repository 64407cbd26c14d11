// expects: pretext: two operations of an augmentation draw the same random numbers; choose a stream_id from
#include <cstdint>

#include <pretext/augment/augmentation.hpp>
using namespace pretext;
template <int Kind>
struct operation {
  static constexpr std::uint32_t stream_id = 1024, stream_size = 8;
  using choice = float;
  float choose(const random_draws& draws, image_extent, image_extent) const { return draws.uniform(0); }
};
constexpr augmentation mistake{operation<1>{}, operation<2>{}};
