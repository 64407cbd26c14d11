// expects: pretext: two operations of an augmentation draw the same random numbers; choose a stream_id from
#include <cstdint>

#include <pretext/augment/presets.hpp>
using namespace pretext;
struct operation {
  static constexpr std::uint32_t stream_id = 528 + 5, stream_size = 8;  // the last number of color_jitter
  using choice = float;
  float choose(const random_draws& draws, image_extent, image_extent) const { return draws.uniform(0); }
};
constexpr augmentation mistake{random_resized_crop<>{}, color_jitter<>{}, operation{}};
