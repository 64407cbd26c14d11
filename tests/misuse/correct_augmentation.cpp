#include <cstdint>
#include <vector>

#include <pretext/core/image.hpp>
#include <pretext/cpu.hpp>
using namespace pretext;
template <std::uint32_t First>
struct operation {
  static constexpr std::uint32_t stream_id = First, stream_size = 8;
  using choice = float;
  float choose(const random_draws& draws, image_extent, image_extent) const { return draws.uniform(0); }
};
// Streams may touch each other and the library's, and one operation may occur twice.
constexpr augmentation pipeline{random_resized_crop<>{}, color_jitter<>{},  color_jitter<>{},
                                operation<534>{},        operation<1024>{}, operation<1032>{},
                                operation<1024>{}};
static_assert(ViewSet<decltype(pipeline)> && ViewSet<decltype(two_views{pipeline, whole_image()})>);
